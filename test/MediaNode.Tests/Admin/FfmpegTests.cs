using System.Diagnostics;
using System.Net.Sockets;

namespace VoiceCluster.MediaNode.Tests.Admin;

/// <summary>FFmpeg as the one who sends, with its own RTP, and as the one who receives, by the session description of the transport.</summary>
public sealed class FfmpegTests : IAsyncLifetime
{
    private readonly string _files = Directory.CreateTempSubdirectory("voicecluster-test-").FullName;
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _said = new();
    private AdminNode _admin = null!;

    public async Task InitializeAsync() => _admin = await AdminNode.StartAsync();

    public async Task DisposeAsync()
    {
        await _admin.DisposeAsync();
        Directory.Delete(_files, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tone_OfOneFfmpeg_IsHeardByAnother(bool encrypted)
    {
        const string Suite = "AES_CM_128_HMAC_SHA1_80";
        var key = VoiceCluster.Media.Srtp.SrtpParameters.Create(Suite).KeyBase64;
        var port = AdminNode.FreePort(SocketType.Dgram);
        var options = encrypted ? $$""","enableSrtp":true,"srtpCryptoSuite":"{{Suite}}" """ : "";
        var srtp = encrypted ? $$""","srtpParameters":{"cryptoSuite":"{{Suite}}","keyBase64":"{{key}}" }""" : "";
        await _admin.PostAsync("/admin/routers", """{"id":"r"}""");
        var from = await _admin.PostAsync("/admin/routers/r/plain-transports", $$"""{"comedia":true,"rtcpMux":{{(encrypted ? "true" : "false")}}{{options}} }""");
        var to = await _admin.PostAsync("/admin/routers/r/plain-transports", $$"""{"comedia":false{{options}} }""");
        var (fromId, toId) = (from.GetProperty("id").GetString(), to.GetProperty("id").GetString());
        await _admin.PostAsync(
            $"/admin/transports/{fromId}/producers",
            """{"id":"p","kind":"audio","rtpParameters":{"codecs":[{"mimeType":"audio/opus","payloadType":100,"clockRate":48000,"channels":2}],"encodings":[{"ssrc":4242}]}}""");
        await _admin.PostAsync($"/admin/transports/{toId}/consumers", """{"producerId":"p"}""");
        await _admin.PostAsync($"/admin/transports/{toId}/connect", $$"""{"ip":"127.0.0.1","port":{{port}}{{srtp}} }""");
        if (encrypted)
        {
            await _admin.PostAsync($"/admin/transports/{fromId}/connect", $$"""{ {{srtp[1..]}} }""");
        }

        var sdp = Path.Combine(_files, "room.sdp");
        var sound = Path.Combine(_files, "heard.f32");
        await File.WriteAllTextAsync(sdp, await _admin.GetTextAsync($"/admin/transports/{toId}/sdp"));
        var into = from.GetProperty("tuple").GetProperty("localPort").GetInt32();
        var rtcp = encrypted ? into : from.GetProperty("rtcpTuple").GetProperty("localPort").GetInt32();
        string[] cipher = encrypted ? ["-srtp_out_suite", Suite, "-srtp_out_params", key] : [];
        using var sender = Start(
            ["-re", "-f", "lavfi", "-i", "sine=frequency=660:sample_rate=48000", "-ac", "2", "-c:a", "libopus", "-payload_type", "100", "-ssrc", "4242",
             "-f", "rtp", .. cipher, $"{(encrypted ? "srtp" : "rtp")}://127.0.0.1:{into}?rtcpport={rtcp}"]);
        using var receiver = Start(["-protocol_whitelist", "file,crypto,udp,rtp,srtp", "-i", sdp, "-t", "2", "-ac", "1", "-ar", "48000", "-f", "f32le", sound]);
        try
        {
            await receiver.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        }
        finally
        {
            End(receiver);
            End(sender);
        }

        var state = $"{string.Join('\n', _said)}\n{await _admin.GetAsync("/admin/routers/r")}\n{await _admin.GetAsync($"/admin/transports/{fromId}")}\n{await _admin.GetAsync($"/admin/transports/{toId}")}";
        var samples = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(await File.ReadAllBytesAsync(sound)).ToArray();
        Assert.True(samples.Length > 48_000, $"{samples.Length} samples were heard.\n{state}");

        // The second half, when everything runs.
        var heard = samples.AsSpan(samples.Length / 2).ToArray();
        Assert.True(Power(heard, 660) > 100 * Power(heard, 1_500), "The tone is not what was sent.");
    }

    [Theory]
    [InlineData("VP8", "libvpx", "-deadline", "realtime", "")]
    [InlineData("H264", "libx264", "-preset", "ultrafast", ""","parameters":{"packetization-mode":1,"profile-level-id":"42e01f","level-asymmetry-allowed":1}""")]
    public async Task Picture_OfOneFfmpeg_IsSeenByAnother(string codec, string encoder, string effort, string value, string parameters)
    {
        var port = AdminNode.FreePort(SocketType.Dgram);
        await _admin.PostAsync("/admin/routers", """{"id":"r"}""");
        var from = await _admin.PostAsync("/admin/routers/r/plain-transports", """{"comedia":true,"rtcpMux":false}""");
        var to = await _admin.PostAsync("/admin/routers/r/plain-transports");
        var (fromId, toId) = (from.GetProperty("id").GetString(), to.GetProperty("id").GetString());
        await _admin.PostAsync(
            $"/admin/transports/{fromId}/producers",
            $$$"""{"id":"p","kind":"video","rtpParameters":{"codecs":[{"mimeType":"video/{{{codec}}}","payloadType":101,"clockRate":90000{{{parameters}}}}],"encodings":[{"ssrc":4242}]}}""");
        await _admin.PostAsync($"/admin/transports/{toId}/consumers", """{"producerId":"p"}""");
        await _admin.PostAsync($"/admin/transports/{toId}/connect", $$"""{"ip":"127.0.0.1","port":{{port}}}""");
        var (sdp, pictures) = (Path.Combine(_files, "room.sdp"), Path.Combine(_files, "seen.rgb"));
        await File.WriteAllTextAsync(sdp, await _admin.GetTextAsync($"/admin/transports/{toId}/sdp"));
        var (into, rtcp) = (from.GetProperty("tuple").GetProperty("localPort").GetInt32(), from.GetProperty("rtcpTuple").GetProperty("localPort").GetInt32());

        // Left half red, right half blue. FFmpeg hears no request for a key frame, so there is one each second.
        using var sender = Start(
            ["-re", "-f", "lavfi", "-i", "color=c=red:size=80x120:rate=15", "-f", "lavfi", "-i", "color=c=blue:size=80x120:rate=15", "-filter_complex", "hstack",
             "-c:v", encoder, effort, value, "-pix_fmt", "yuv420p", .. codec == "H264" ? (string[])["-profile:v", "baseline"] : [], "-g", "15",
             "-payload_type", "101", "-ssrc", "4242", "-f", "rtp", $"rtp://127.0.0.1:{into}?rtcpport={rtcp}&pkt_size=1200"]);
        using var receiver = Start(["-protocol_whitelist", "file,udp,rtp", "-i", sdp, "-frames:v", "20", "-f", "rawvideo", "-pix_fmt", "rgb24", pictures]);
        try
        {
            await receiver.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token);
        }
        finally
        {
            End(receiver);
            End(sender);
        }

        const int Frame = 160 * 120 * 3;
        var seen = File.Exists(pictures) ? await File.ReadAllBytesAsync(pictures) : [];
        Assert.True(seen.Length == 20 * Frame, $"{seen.Length / Frame} pictures were seen.\n{string.Join('\n', _said)}\n{await _admin.GetAsync($"/admin/transports/{toId}")}");
        var left = (19 * Frame) + (((60 * 160) + 40) * 3);
        var right = left + (80 * 3);
        Assert.True(seen[left] > 180 && seen[left + 2] < 80, $"Left is {seen[left]}, {seen[left + 1]}, {seen[left + 2]}.");
        Assert.True(seen[right] < 80 && seen[right + 2] > 180, $"Right is {seen[right]}, {seen[right + 1]}, {seen[right + 2]}.");
    }

    private Process Start(string[] arguments)
    {
        ProcessStartInfo start = new("ffmpeg", ["-nostdin", "-loglevel", "warning", "-y", .. arguments]) { RedirectStandardError = true };
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => _said.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
        return process;
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    /// <summary>What there is of one frequency (Goertzel).</summary>
    private static double Power(float[] samples, double frequency)
    {
        var coefficient = 2 * Math.Cos(2 * Math.PI * frequency / 48_000);
        var (last, beforeLast) = (0d, 0d);
        foreach (var sample in samples)
        {
            (last, beforeLast) = (sample + (coefficient * last) - beforeLast, last);
        }

        return (last * last) + (beforeLast * beforeLast) - (coefficient * last * beforeLast);
    }
}
