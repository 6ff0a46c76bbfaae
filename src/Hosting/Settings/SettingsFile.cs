using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace VoiceCluster.Hosting.Settings;

/// <summary>
/// <c>settings.toml</c> of the working directory, one more source of configuration. The tables server, audio and limits have
/// names of their own; every other table is a section, such as [Media] with <c>Workers = 2</c>.
/// </summary>
public static class SettingsFile
{
    /// <summary>The file's name.</summary>
    public const string Name = "settings.toml";

    /// <summary>Bytes of the longest file that is read.</summary>
    private const long MaxLength = 1024 * 1024;

    /// <summary>A key of these tables, and the configuration that it sets.</summary>
    private static readonly Dictionary<string, string[]> Known = new(StringComparer.Ordinal)
    {
        ["server.host"] = ["Http:Bind", "Media:Ip"],
        ["server.port"] = [],
        ["server.websocket_port"] = [],
        ["audio.udp_port"] = ["Relay:UdpPort"],
        ["audio.sample_rate"] = ["Relay:SampleRate"],
        ["audio.channels"] = ["Relay:Channels"],
        ["audio.buffer_size"] = ["Relay:BufferSize"],
        ["audio.max_packet_size"] = ["Relay:MaxPacketSize"],
        ["limits.max_users_per_channel"] = ["Channels:MaxUsersPerChannel"],
        ["limits.max_channels"] = ["Channels:MaxChannels"],
    };

    /// <summary>Adds the file, if it is there.</summary>
    /// <exception cref="StartException">The file cannot be read, or has a fault: its line is named.</exception>
    public static IConfigurationBuilder AddSettingsToml(this IConfigurationBuilder configuration, string path)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string text;
        try
        {
            if (!File.Exists(path))
            {
                return configuration;
            }

            if (new FileInfo(path).Length > MaxLength)
            {
                throw new StartException($"{path} has more than {MaxLength} bytes.");
            }

            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartException($"{path} cannot be read: {e.Message}", e);
        }

        try
        {
            return configuration.AddInMemoryCollection(Map(TomlReader.Read(text)));
        }
        catch (TomlException e)
        {
            throw new StartException($"{path}, line {e.Line}: {e.Message}", e);
        }
    }

    /// <summary>Configuration keys and their values.</summary>
    public static Dictionary<string, string?> Map(IEnumerable<TomlValue> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        Dictionary<string, string?> settings = new(StringComparer.OrdinalIgnoreCase);
        List<string> ports = [];
        foreach (var value in values)
        {
            var path = string.Join('.', value.Path);
            if (value.Path[0] is not ("server" or "audio" or "limits"))
            {
                settings[string.Join(':', value.Path)] = value.Text;
                continue;
            }

            if (!Known.TryGetValue(path, out var keys))
            {
                throw new TomlException(value.Line, $"There is no setting {path}. [{value.Path[0]}] has {string.Join(", ", Known.Keys.Where(k => k.StartsWith(value.Path[0], StringComparison.Ordinal)).Select(k => k[(k.IndexOf('.') + 1)..]))}.");
            }

            if (path != "server.host" && !long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            {
                throw new TomlException(value.Line, $"{path} must be a whole number.");
            }

            if (keys.Length == 0)
            {
                ports.Add(value.Text);
            }

            foreach (var key in keys)
            {
                settings[key] = value.Text;
            }
        }

        if (ports.Count > 0)
        {
            settings["Http:Ports"] = string.Join(',', ports.Distinct());
        }

        return settings;
    }
}
