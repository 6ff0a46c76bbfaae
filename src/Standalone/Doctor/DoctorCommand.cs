using Microsoft.Extensions.Options;
using Orleans.Runtime;
using VoiceCluster.ApiFrontend.Auth;
using VoiceCluster.ApiFrontend.Http;
using VoiceCluster.ApiFrontend.Ice;
using VoiceCluster.Hosting;
using VoiceCluster.MediaNode;
using VoiceCluster.Storage;

namespace VoiceCluster.Standalone.Doctor;

/// <summary>
/// <c>doctor</c> with the same settings as the server: says what clients would be told and what stands in their way, without
/// starting anything. Ends with 0, or with 1 when something is bad.
/// </summary>
internal static class DoctorCommand
{
    /// <summary>The first argument.</summary>
    public const string Name = "doctor";

    /// <summary>Looks at everything and writes what it found.</summary>
    public static async Task<int> RunAsync(Func<WebApplicationBuilder> create, TextWriter output)
    {
        List<Finding> findings = [];
        try
        {
            // The host validates every option as it is built; the parts that listen are only made, never started.
            var builder = create();
            builder.Logging.ClearProviders();
            await using var app = builder.Build();
            findings.Add(Finding.Good("configuration", "every option is within its bounds"));
            findings.AddRange(await ExamineAsync(app).ConfigureAwait(false));
        }
        catch (OrleansConfigurationException e)
        {
            findings.Add(Finding.Bad("configuration", e.Message));
        }
        catch (Exception e)
        {
            findings.AddRange(Launch.Faults(e).Select(fault => Finding.Bad("configuration", fault)));
        }

        return await WriteAsync(findings, output).ConfigureAwait(false);
    }

    private static async Task<List<Finding>> ExamineAsync(WebApplication app)
    {
        var http = app.Services.GetRequiredService<IOptions<HttpOptions>>().Value;
        var auth = app.Services.GetRequiredService<IOptions<AuthOptions>>().Value;
        var media = app.Services.GetRequiredService<IOptions<MediaNodeOptions>>().Value;
        return
        [
            .. HttpExamination.Examine(http, auth),
            .. MediaExamination.Examine(media, http),
            .. await IceExamination.ExamineAsync(app.Services.GetRequiredService<IceServers>(), http).ConfigureAwait(false),
            .. LibraryExamination.Examine(),
            .. await StoreExamination.ExamineAsync(app.Configuration, app.Services.GetRequiredService<IStateStore>).ConfigureAwait(false),
        ];
    }

    private static async Task<int> WriteAsync(List<Finding> findings, TextWriter output)
    {
        var width = findings.Max(f => f.Part.Length);
        foreach (var finding in findings)
        {
            var verdict = finding.Verdict switch
            {
                Verdict.Good => "ok  ",
                Verdict.Doubtful => "warn",
                _ => "BAD ",
            };
            await output.WriteLineAsync($"{verdict}  {finding.Part.PadRight(width)}  {finding.Text}").ConfigureAwait(false);
        }

        var bad = findings.Count(f => f.Verdict == Verdict.Bad);
        var doubtful = findings.Count(f => f.Verdict == Verdict.Doubtful);
        await output.WriteLineAsync($"{bad} bad, {doubtful} doubtful, {findings.Count - bad - doubtful} good").ConfigureAwait(false);
        await output.FlushAsync().ConfigureAwait(false);
        return bad == 0 ? 0 : 1;
    }
}
