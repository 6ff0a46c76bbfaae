using VoiceCluster.ApiFrontend;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.Health;
using VoiceCluster.Hosting.Metrics;
using VoiceCluster.MediaNode;
using VoiceCluster.Standalone;
using VoiceCluster.Standalone.Doctor;

// Silo, API frontend and media node in one process, with no server beside it.
if (args is [DoctorCommand.Name, .. var settings])
{
    return await DoctorCommand.RunAsync(() => StandaloneHosting.CreateBuilder(settings), Console.Out);
}

var builder = StandaloneHosting.CreateBuilder(args);
return await Launch.RunAsync(builder, static app =>
{
    app.MapHealth();
    app.MapPrometheus();
    app.MapApiFrontend();
    app.MapMediaNode();
});
