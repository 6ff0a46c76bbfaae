using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>A user with a token of a server, and what it asks over REST.</summary>
internal sealed class ApiUser(string server, string id, string token)
{
    private static readonly HttpClient Http = new();

    public string Id => id;

    public string Token => token;

    public static async Task<ApiUser> SignInAsync(StandaloneServer server, string username)
    {
        using var response = await Http.PostAsJsonAsync($"{server.Url}/api/v1/auth/token", new { username });
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return new ApiUser(server.Url, body.GetProperty("user_id").GetString()!, body.GetProperty("token").GetString()!);
    }

    public async Task<(int Status, JsonElement Body)> SendAsync(HttpMethod method, string path, string? json = null)
    {
        using HttpRequestMessage request = new(method, server + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = json is null ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        using var response = await Http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
    }

    public async Task<string> ChatAsync(params ApiUser[] others)
    {
        var (status, body) = await SendAsync(HttpMethod.Post, "/api/v1/chats", JsonSerializer.Serialize(new { member_ids = others.Select(o => o.Id) }));
        Assert.Equal(201, status);
        return body.GetProperty("id").GetString()!;
    }

    /// <summary>The state of a call.</summary>
    public async Task<string> StateAsync(string call)
    {
        var (status, body) = await SendAsync(HttpMethod.Get, $"/api/v1/calls/{call}");
        Assert.Equal(200, status);
        return body.GetProperty("status").GetString()!;
    }
}
