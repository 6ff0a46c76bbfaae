using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace VoiceCluster.LoadTest.Signalling;

/// <summary>The REST of the voice service (`/voice`), as one user.</summary>
internal sealed class VoiceClient(HttpClient http, Uri url, string token)
{
    /// <summary>A client of a user: with the run's token, or with one that the server gives to whoever asks.</summary>
    public static async Task<VoiceClient> OpenAsync(HttpClient http, BenchOptions options, string user, CancellationToken cancellationToken)
    {
        if (options.Token is { } token)
        {
            return new VoiceClient(http, options.Url, token);
        }

        var anonymous = new VoiceClient(http, options.Url, "");
        var answer = await anonymous.SendAsync(HttpMethod.Post, "/api/v1/auth/token", $$"""{"username":"{{user}}"}""", cancellationToken).ConfigureAwait(false);
        return new VoiceClient(http, options.Url, answer.GetProperty("token").GetString()!);
    }

    /// <summary>Makes a channel for so many users; answers its id.</summary>
    public async Task<string> CreateChannelAsync(string name, int users, CancellationToken cancellationToken)
    {
        var channel = await SendAsync(HttpMethod.Post, "/api/channels", $$"""{"name":"{{name}}","max_users":{{users}}}""", cancellationToken).ConfigureAwait(false);
        return channel.GetProperty("id").GetString()!;
    }

    /// <summary>Deletes a channel with everything in it.</summary>
    public Task DeleteChannelAsync(string channel, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, $"/api/channels/{channel}", null, cancellationToken);

    /// <summary>Joins a channel; answers the session's id.</summary>
    public async Task<string> JoinAsync(string channel, CancellationToken cancellationToken)
    {
        var joined = await SendAsync(HttpMethod.Post, "/voice/join", $$"""{"channel_id":"{{channel}}"}""", cancellationToken).ConfigureAwait(false);
        return joined.GetProperty("session_id").GetString()!;
    }

    /// <summary>Sends an offer; answers the answer's SDP.</summary>
    public async Task<string> OfferAsync(string session, string sdp, CancellationToken cancellationToken)
    {
        var body = $$"""{"session_id":"{{session}}","type":"offer","sdp":"{{JsonEncodedText.Encode(sdp)}}"}""";
        var answer = await SendAsync(HttpMethod.Post, "/voice/signal", body, cancellationToken).ConfigureAwait(false);
        return answer.GetProperty("sdp").GetString()!;
    }

    /// <summary>Ends a session.</summary>
    public Task LeaveAsync(string session, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, "/voice/leave", $$"""{"session_id":"{{session}}"}""", cancellationToken);

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var request = new HttpRequestMessage(method, new Uri(url, path));
            request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
            if (token.Length > 0)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.TooManyRequests && response.Headers.RetryAfter?.Delta is { } wait)
            {
                await Task.Delay(wait, cancellationToken).ConfigureAwait(false);
                continue;
            }

            return response.IsSuccessStatusCode
                ? text.Length == 0 ? default : JsonElement.Parse(text)
                : throw new InvalidOperationException($"{path} was refused with {(int)response.StatusCode}: {text}");
        }
    }
}
