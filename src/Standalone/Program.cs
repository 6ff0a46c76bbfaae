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

return await Launch.RunAsync(() => StandaloneHosting.CreateBuilder(args), static app =>
{
    app.MapHealth();
    app.MapPrometheus();
    app.MapApiFrontend();
    app.MapMediaNode();
});
