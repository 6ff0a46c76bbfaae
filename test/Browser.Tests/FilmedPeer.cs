using System.Text.Json;

namespace VoiceCluster.Browser.Tests;

/// <summary>
/// A page that sends, by a plain RTCPeerConnection, a picture that turns white for 200 ms each second and, at the same
/// instants, a beep.
/// </summary>
internal sealed class FilmedPeer(HarnessPage page)
{
    private const string Script = """
        async ([server, room, peer]) => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
          const pen = canvas.getContext('2d');
          const audio = new AudioContext();
          const [oscillator, gain, out] = [audio.createOscillator(), audio.createGain(), audio.createMediaStreamDestination()];
          oscillator.frequency.value = 1000;
          gain.gain.value = 0;
          oscillator.connect(gain).connect(out);
          oscillator.start();
          setInterval(() => {
            const on = performance.now() % 1000 < 200;
            gain.gain.value = on ? 0.5 : 0;
            pen.fillStyle = on ? '#fff' : '#000';
            pen.fillRect(0, 0, 320, 240);
            pen.fillStyle = '#888';
            pen.fillRect(performance.now() / 10 % 320, 0, 2, 2);
          }, 20);
          const pc = new RTCPeerConnection();
          pc.addTransceiver(out.stream.getAudioTracks()[0], { direction: 'sendonly' });
          pc.addTransceiver(canvas.captureStream(30).getVideoTracks()[0], { direction: 'sendonly' });
          await pc.setLocalDescription();
          const query = `peerID=${encodeURIComponent(peer)}&room=${encodeURIComponent(room)}`;
          const answer = await fetch(`${server}/offer?${query}`, {
            method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(pc.localDescription),
          });
          const { data, message } = await answer.json();
          if (!data) throw new Error(message);
          await pc.setRemoteDescription({ type: 'answer', sdp: data.sdp });
          window.filmed = pc;
          window.filmedAudio = audio;
        }
        """;

    private const string Frames = """
        async () => [...(await window.filmed.getStats()).values()].find((s) => s.type === 'outbound-rtp' && s.kind === 'video')?.framesSent ?? 0
        """;

    /// <summary>Joins a room.</summary>
    public async Task JoinAsync(string room, string peer)
    {
        await page.Page.EvaluateAsync(Script, new object[] { page.Server, room, peer });
        await page.Page.WaitForFunctionAsync("() => window.filmed.connectionState === 'connected'");
    }

    /// <summary>Frames that the encoder has made.</summary>
    public async Task WaitForFramesAsync(int count)
    {
        // Asked from here: the driver's own waiting takes a promise for a yes.
        var deadline = Environment.TickCount64 + 120_000;
        while (await page.Page.EvaluateAsync<int>(Frames) is var frames && frames < count)
        {
            Assert.True(Environment.TickCount64 < deadline, $"{frames} of {count} frames were sent");
            await Task.Delay(50);
        }
    }

    /// <summary>Ends its connection.</summary>
    public Task CloseAsync() => page.Page.EvaluateAsync("() => { window.filmed.close(); void window.filmedAudio.close(); }");
}
