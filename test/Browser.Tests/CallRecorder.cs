using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>A call session of the peers' door, and its recording, over HTTP.</summary>
internal sealed class CallRecorder : IDisposable
{
    private readonly HttpClient _http;
    private string _session = "";

    public CallRecorder(string url) => _http = new HttpClient { BaseAddress = new Uri(url) };

    public string Room => _session;

    /// <summary>Creates the session; the first member is its host.</summary>
    public async Task CreateAsync(params string[] members)
    {
        _session = (await PostAsync("/call/session", new { creatorId = members[0], type = "video" })).GetProperty("id").GetString()!;
        foreach (var member in members[1..])
        {
            await PostAsync("/call/join", new { sessionId = _session, participantId = member });
        }
    }

    public Task StartAsync(string host) => PostAsync("/call/recording/start", new { sessionId = _session, participantId = host });

    public Task StopAsync(string host) => PostAsync("/call/recording/stop", new { sessionId = _session, participantId = host });

    /// <summary>The one recording.</summary>
    public async Task<JsonElement> GetAsync(string reader)
    {
        using var answer = await _http.GetAsync($"/call/recordings/{_session}?userId={reader}");
        var envelope = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.IsSuccessStatusCode, envelope.GetRawText());
        return envelope.GetProperty("data").EnumerateArray().Single().Clone();
    }

    /// <summary>Waits until all files are closed and as wanted.</summary>
    public Task<JsonElement[]> FilesAsync(string reader, Func<JsonElement[], bool> wanted) =>
        FilesOfAsync(reader, files => files.All(f => f.GetProperty("complete").GetBoolean()) && wanted(files));

    /// <summary>Waits until the files are as wanted.</summary>
    public async Task<JsonElement[]> FilesOfAsync(string reader, Func<JsonElement[], bool> wanted)
    {
        var deadline = Environment.TickCount64 + 60_000;
        while (true)
        {
            var recording = await GetAsync(reader);
            JsonElement[] files = [.. recording.GetProperty("files").EnumerateArray()];
            if (wanted(files))
            {
                return files;
            }

            Assert.True(Environment.TickCount64 < deadline, recording.GetRawText());
            await Task.Delay(200);
        }
    }

    /// <summary>Fetches a file by two ranges.</summary>
    public async Task<string> DownloadAsync(JsonElement file, string reader, string directory)
    {
        var url = $"{file.GetProperty("url").GetString()}?userId={reader}";
        var path = Path.Combine(directory, file.GetProperty("name").GetString()!);
        await using var output = File.Create(path);
        foreach (var (from, to) in ((long?, long?)[])[(0, 99), (100, null)])
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Range = new(from, to) } };
            using var answer = await _http.SendAsync(ask);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            await answer.Content.CopyToAsync(output);
        }

        Assert.Equal(file.GetProperty("size").GetInt64(), output.Length);
        return path;
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _http.PostAsJsonAsync(path, body);
        var envelope = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {envelope.GetRawText()}");
        return envelope.GetProperty("data").Clone();
    }
}
