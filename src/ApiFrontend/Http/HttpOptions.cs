using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;

namespace VoiceCluster.ApiFrontend.Http;

/// <summary>Where the frontend listens and whom it serves, section <c>Http</c>. Lists are separated by commas.</summary>
public sealed class HttpOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Http";

    /// <summary>In <see cref="CorsOrigins"/>: pages of the browser's own machine, whatever their port.</summary>
    public const string Localhost = "localhost";

    /// <summary>The address to listen on. Default 127.0.0.1.</summary>
    public string Bind { get; set; } = "127.0.0.1";

    /// <summary>The ports; each serves every door. Default 8080,8085,3000,3001. The variable PORT replaces the list.</summary>
    public string Ports { get; set; } = "8080,8085,3000,3001";

    /// <summary>
    /// Origins whose pages may call and open sockets, beside the page's own: full origins, <c>localhost</c> for any port
    /// of the browser's machine, or <c>*</c> for all. Default none; Standalone: <c>localhost</c>.
    /// </summary>
    public string CorsOrigins { get; set; } = "";

    /// <summary>Networks in CIDR form that may call; empty means all. Default empty.</summary>
    public string AllowedNetworks { get; set; } = "";

    /// <summary>The largest request body in bytes. Default 1 MiB.</summary>
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>How long requests and sockets may go on once the process stops; then they are cut off. Default 5 s.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a process that stops goes on serving while it says that it is not ready, so that balancers send nobody any more.
    /// Default 1 s; Standalone none.
    /// </summary>
    public TimeSpan? DrainDelay { get; set; }

    internal static readonly TimeSpan DefaultDrainDelay = TimeSpan.FromSeconds(1);

    // The whole process ends within 10 s.
    internal static readonly TimeSpan MaxDrainDelay = TimeSpan.FromSeconds(3);

    internal static string[] Split(string? list) => (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The ports, or an empty list when one is wrong.</summary>
    public static bool TryReadPorts(string list, out int[] ports)
    {
        string[] texts = Split(list);
        ports = new int[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            if (!ushort.TryParse(texts[i], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            {
                return false;
            }

            ports[i] = port;
        }

        return ports.Length > 0 && ports.Where(p => p != 0).Distinct().Count() == ports.Count(p => p != 0);
    }
}

/// <summary>Names every wrong value at once.</summary>
internal sealed class HttpOptionsValidator : IValidateOptions<HttpOptions>
{
    public ValidateOptionsResult Validate(string? name, HttpOptions options)
    {
        List<string> faults = [];
        if (!IPAddress.TryParse(options.Bind, out _))
        {
            faults.Add($"Http:Bind is \"{options.Bind}\"; it must be an IP address.");
        }

        if (!HttpOptions.TryReadPorts(options.Ports, out _))
        {
            faults.Add($"Http:Ports is \"{options.Ports}\"; it must be a list of different ports from 0 to 65535.");
        }

        foreach (string network in HttpOptions.Split(options.AllowedNetworks).Where(n => !IPNetwork.TryParse(n, out _)))
        {
            faults.Add($"Http:AllowedNetworks has \"{network}\"; it must be a network such as 10.0.0.0/8.");
        }

        foreach (string origin in HttpOptions.Split(options.CorsOrigins).Where(o => !IsOrigin(o)))
        {
            faults.Add($"Http:CorsOrigins has \"{origin}\"; it must be an origin such as https://example.org, localhost or *.");
        }

        if (options.MaxBodyBytes < 1024)
        {
            faults.Add($"Http:MaxBodyBytes is {options.MaxBodyBytes}; it must be at least 1024.");
        }

        if (options.StopTimeout <= TimeSpan.Zero || options.StopTimeout > TimeSpan.FromHours(1))
        {
            faults.Add($"Http:StopTimeout is {options.StopTimeout}; it must be more than zero and at most an hour.");
        }

        if (options.DrainDelay < TimeSpan.Zero || options.DrainDelay > HttpOptions.MaxDrainDelay)
        {
            faults.Add($"Http:DrainDelay is {options.DrainDelay}; it must be from zero to {HttpOptions.MaxDrainDelay}.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static bool IsOrigin(string origin)
        => origin is "*" or "localhost"
            || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && uri.Scheme is "http" or "https"
                && origin == uri.GetLeftPart(UriPartial.Authority));
}
