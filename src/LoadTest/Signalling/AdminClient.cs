using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>The media node's <c>/admin/*</c>.</summary>
internal sealed class AdminClient(HttpClient http, BenchOptions options)
{
    /// <summary>Makes a router.</summary>
    public Task CreateRouterAsync(string id, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/admin/routers", $$"""{"id":"{{id}}"}""", cancellationToken);

    /// <summary>Deletes a router with all that is in it.</summary>
    public Task DeleteRouterAsync(string id, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, $"/admin/routers/{id}", null, cancellationToken);

    /// <summary>The producers of a router or room.</summary>
    public async Task<IReadOnlyList<string>> ProducersAsync(string router, CancellationToken cancellationToken)
    {
        var described = await SendAsync(HttpMethod.Get, $"/admin/routers/{router}", null, cancellationToken).ConfigureAwait(false);
        return [.. described.GetProperty("producers").EnumerateArray().Select(p => p.GetProperty("id").GetString()!)];
    }

    /// <summary>Makes a plain transport.</summary>
    public Task<JsonElement> CreateTransportAsync(string router, string? suite, CancellationToken cancellationToken) => SendAsync(
        HttpMethod.Post,
        $"/admin/routers/{router}/plain-transports",
        suite is null ? "{}" : $$"""{"enableSrtp":true,"srtpCryptoSuite":"{{suite}}"}""",
        cancellationToken);

    /// <summary>Does something with a transport.</summary>
    public Task<JsonElement> OnTransportAsync(string id, string what, string body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, $"/admin/transports/{id}/{what}", body, cancellationToken);

    /// <summary>Closes a transport.</summary>
    public Task CloseTransportAsync(string id, CancellationToken cancellationToken) => SendAsync(HttpMethod.Delete, $"/admin/transports/{id}", null, cancellationToken);

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(options.Admin, path));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        if (options.AdminToken is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? text.Length == 0 ? default : JsonElement.Parse(text)
            : throw new InvalidOperationException($"{path} was refused with {(int)response.StatusCode}: {text}");
    }
}
