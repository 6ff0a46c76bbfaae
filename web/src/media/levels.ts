/** Below this level (dBov) a voice counts as silence; at the top of the range the ring is full. */
const QuietDbov = -60;
const LoudDbov = -15;

/** Maps a level in dBov to the 0–1 of the ring around a participant. */
export function ringOf(dbov: number): number {
  return Math.min(1, Math.max(0, (dbov - QuietDbov) / (LoudDbov - QuietDbov)));
}

/** The level of a received track as the browser has it from the last played packet, without decoding it again. */
export function receiverLevel(receiver: RTCRtpReceiver | undefined): number {
  const audioLevel = receiver?.getSynchronizationSources()[0]?.audioLevel ?? 0;
  return audioLevel > 0 ? 20 * Math.log10(audioLevel) : -127;
}

/** Measures one's own microphone. */
export class MicrophoneMeter {
  private readonly analyser: AnalyserNode;
  private readonly samples: Float32Array<ArrayBuffer>;
  private source: MediaStreamAudioSourceNode | null = null;

  constructor(private readonly context: AudioContext) {
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  attach(track: MediaStreamTrack): void {
    this.source?.disconnect();
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
  }

  detach(): void {
    this.source?.disconnect();
    this.source = null;
  }

  /** The level now, in dBov. */
  level(): number {
    if (!this.source) {
      return -127;
    }
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) {
      sum += sample * sample;
    }
    return sum > 0 ? 10 * Math.log10(sum / this.samples.length) : -127;
  }
}
