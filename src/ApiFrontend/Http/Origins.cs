namespace VoiceCluster.ApiFrontend.Http;

/// <summary>The pages that may call, by <see cref="HttpOptions.CorsOrigins"/>.</summary>
internal sealed class Origins(string configured)
{
    private readonly string[] _origins = HttpOptions.Split(configured);

    public bool IsAllowed(string origin)
        => _origins.Contains("*")
            || _origins.Contains(origin, StringComparer.OrdinalIgnoreCase)
            || (_origins.Contains(HttpOptions.Localhost) && Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && uri.IsLoopback);

    /// <summary>
    /// Browsers ask nobody before a page opens a WebSocket, so the server looks itself (RFC 6455 §10.2).
    /// A client that is no browser sends no origin.
    /// </summary>
    public bool MayOpenSocket(HttpRequest request)
    {
        string origin = request.Headers.Origin.ToString();
        return origin.Length == 0
            || IsAllowed(origin)
            || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri)
                && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }
}
