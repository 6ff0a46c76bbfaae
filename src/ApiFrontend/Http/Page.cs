using Microsoft.Extensions.FileProviders;

namespace VoiceCluster.ApiFrontend.Http;

/// <summary>The page at <c>/</c>: static files beside the program.</summary>
internal static class Page
{
    // Nothing from elsewhere: own scripts and styles, sockets to this host, media from blobs (the remote tracks).
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:; "
        + "media-src 'self' blob: mediastream:; manifest-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public static void UsePage(this WebApplication app)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (!Directory.Exists(folder))
        {
            return;
        }

        var files = new PhysicalFileProvider(folder);
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
        app.UseStaticFiles(new StaticFileOptions
        {
            FileProvider = files,
            OnPrepareResponse = static context =>
            {
                IHeaderDictionary headers = context.Context.Response.Headers;

                // The file names are stable, so every use asks; an unchanged file costs a 304.
                headers.CacheControl = "no-cache";
                headers.ContentSecurityPolicy = ContentSecurityPolicy;
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "no-referrer";
                headers["Permissions-Policy"] = "camera=(self), microphone=(self), geolocation=()";
            },
        });
    }
}
