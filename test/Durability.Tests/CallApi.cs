using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace VoiceCluster.Durability.Tests;

/// <summary>The answer to a request: its status and body, or <see cref="Lost"/> when none came.</summary>
internal readonly record struct ApiAnswer(int Status, JsonElement Body)
{
    /// <summary>The server died on the way: whether it was done is not known.</summary>
    public static ApiAnswer Lost { get; }

    public bool IsDone => Status is 200 or 201;

    /// <summary>The state of the call in the answer.</summary>
    public string State => Body.GetProperty("status").GetString()!;
}

/// <summary>The REST of calls as one user after the other uses it.</summary>
internal sealed class CallApi(string url) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(40) };

    public async Task<User> SignInAsync(string username)
    {
        using var response = await _http.PostAsJsonAsync("/api/v1/auth/token", new { username });
        response.EnsureSuccessStatusCode();
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return new User(body.GetProperty("user_id").GetGuid(), body.GetProperty("token").GetString()!);
    }

    public async Task<Guid> CreateChatAsync(User creator, User other)
    {
        var answer = await SendAsync(creator, HttpMethod.Post, "/api/v1/chats", new { member_ids = new[] { other.Id } });
        Assert.Equal(201, answer.Status);
        return answer.Body.GetProperty("id").GetGuid();
    }

    public Task<ApiAnswer> StartAsync(User caller, Guid chat, User recipient) =>
        SendAsync(caller, HttpMethod.Post, "/api/v1/calls", new { chat_id = chat, recipient_id = recipient.Id, call_type = "voice" });

    public Task<ApiAnswer> AnswerAsync(User recipient, Guid call, bool accept) =>
        SendAsync(recipient, HttpMethod.Patch, $"/api/v1/calls/{call}", new { accept });

    public Task<ApiAnswer> HangupAsync(User party, Guid call) => SendAsync(party, HttpMethod.Delete, $"/api/v1/calls/{call}");

    public Task<ApiAnswer> GetAsync(User party, Guid call) => SendAsync(party, HttpMethod.Get, $"/api/v1/calls/{call}");

    /// <summary>The chat's whole history, newest first. It is read from the store and wakes no call.</summary>
    public async Task<JsonElement[]> HistoryAsync(User member, Guid chat)
    {
        List<JsonElement> calls = [];
        var before = "";
        while (true)
        {
            var page = await SendAsync(member, HttpMethod.Get, $"/api/v1/calls?chat_id={chat}&limit=100{before}");
            Assert.Equal(200, page.Status);
            calls.AddRange(page.Body.GetProperty("calls").EnumerateArray());
            if (!page.Body.GetProperty("has_more").GetBoolean())
            {
                return [.. calls];
            }

            before = $"&before={page.Body.GetProperty("next_before").GetGuid()}";
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<ApiAnswer> SendAsync(User user, HttpMethod method, string path, object? body = null)
    {
        try
        {
            using HttpRequestMessage request = new(method, path);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", user.Token);
            request.Content = body is null ? null : JsonContent.Create(body);
            using var response = await _http.SendAsync(request);
            return new ApiAnswer((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or OperationCanceledException)
        {
            return ApiAnswer.Lost;
        }
    }
}

/// <summary>A user with a token.</summary>
internal sealed record User(Guid Id, string Token);
