using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using VoiceCluster.Hosting;
using VoiceCluster.Hosting.OpenApi;

namespace VoiceCluster.MediaNode.Recording;

/// <summary>Adds recording to a media node.</summary>
internal static class RecordingHosting
{
    /// <summary>Adds the writer, its reports and its metrics, which the node then hosts.</summary>
    public static IServiceCollection AddRecordings(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<RecordingOptions>().Bind(configuration.GetSection(RecordingOptions.Section)).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RecordingOptions>, RecordingOptionsValidator>());
        services.TryAddSingleton(_ => ClusterKey.Of(configuration));
        services.AddSingleton<RecordingShelf>();
        services.TryAddSingleton<IRecordingReportSink, GrainRecordingReportSink>();
        services.AddSingleton<RecordingReports>();
        services.AddSingleton<RecordingWriter>();
        return services;
    }

    /// <summary>Maps the files, for processes of this cluster alone.</summary>
    public static void MapRecordings(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/recordings/{recording:guid}/{file}", static (HttpContext context, Guid recording, string file, RecordingShelf shelf, ClusterKey key) =>
        {
            if (!key.Verify(context.Request))
            {
                // Strangers are not told what is there.
                return Results.NotFound();
            }

            return shelf.Find(recording, file) is { } path
                ? Results.File(path, TypeOf(path), lastModified: File.GetLastWriteTimeUtc(path), enableRangeProcessing: true)
                : Results.NotFound();
        }).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapDelete("/recordings/{recording:guid}", static (HttpContext context, Guid recording, RecordingShelf shelf, ClusterKey key) =>
        {
            if (!key.Verify(context.Request))
            {
                return Results.NotFound();
            }

            shelf.Delete(recording);
            return Results.NoContent();
        }).AllowAnonymous().ExcludeFromDescription();
    }

    private static string TypeOf(string path) => Path.GetExtension(path) switch
    {
        ".ogg" => "audio/ogg",
        ".webm" => "video/webm",
        _ => "video/x-matroska",
    };
}
