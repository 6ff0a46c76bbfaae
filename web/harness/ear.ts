/** A tone counts as heard above this level. */
export const AudibleDb = -45;
/** A second tone counts when it is at most so much quieter than the loudest. */
const RangeDb = 20;
/** Two peaks closer than this are one tone. */
const SeparationHz = 40;

/** Hears one received track: which tones are in it, and how loud it is. */
export class Ear {
  private readonly spectrum: AnalyserNode;
  private readonly loudness: AnalyserNode;
  private readonly source: MediaStreamAudioSourceNode;
  private readonly player = new Audio();
  private readonly bins: Float32Array<ArrayBuffer>;
  private readonly samples: Float32Array<ArrayBuffer>;

  constructor(private readonly context: AudioContext, track: MediaStreamTrack) {
    const stream = new MediaStream([track]);
    // Chromium gives WebAudio the sound of a remote stream only while an element plays it.
    this.player.muted = true;
    this.player.srcObject = stream;
    void this.player.play();
    this.spectrum = context.createAnalyser();
    this.spectrum.fftSize = 8192;
    this.spectrum.smoothingTimeConstant = 0;
    this.loudness = context.createAnalyser();
    this.loudness.fftSize = 512;
    this.bins = new Float32Array(this.spectrum.frequencyBinCount);
    this.samples = new Float32Array(this.loudness.fftSize);
    this.source = context.createMediaStreamSource(stream);
    this.source.connect(this.spectrum);
    this.source.connect(this.loudness);
  }

  /** The frequencies of the tones in the sound now, loudest first, in Hz. */
  tones(): number[] {
    this.spectrum.getFloatFrequencyData(this.bins);
    const width = this.context.sampleRate / this.spectrum.fftSize;
    const byLoudness = [...this.bins.entries()].filter(([, db]) => db > AudibleDb).sort((a, b) => b[1] - a[1]);
    const loudest = byLoudness[0]?.[1] ?? 0;
    const found: number[] = [];
    for (const [bin, db] of byLoudness) {
      const hz = bin * width;
      if (db >= loudest - RangeDb && found.every((other) => Math.abs(other - hz) > SeparationHz)) {
        found.push(Math.round(hz));
      }
    }
    return found;
  }

  /** How much sound {@link tones} looks at, in seconds. */
  get windowSeconds(): number {
    return this.spectrum.fftSize / this.context.sampleRate;
  }

  /** The level of the last 10 ms, in dBFS. */
  level(): number {
    this.loudness.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) {
      sum += sample * sample;
    }
    return sum > 0 ? 10 * Math.log10(sum / this.samples.length) : -127;
  }

  /** The level of one tone in the last 10 ms, in dBFS: quicker than {@link tones}, and coarser (Goertzel's filter over a Blackman window, which keeps a loud tone out of the next one's level). */
  levelOf(hz: number): number {
    this.loudness.getFloatTimeDomainData(this.samples);
    const { length } = this.samples;
    const step = (2 * Math.PI * hz) / this.context.sampleRate;
    let re = 0;
    let im = 0;
    for (let i = 0; i < length; i++) {
      const turn = (2 * Math.PI * i) / (length - 1);
      const value = (this.samples[i] ?? 0) * (0.42 - 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn));
      re += value * Math.cos(step * i);
      im += value * Math.sin(step * i);
    }
    const amplitude = (2 * Math.hypot(re, im)) / (0.42 * length);
    return amplitude > 0 ? 20 * Math.log10(amplitude) : -127;
  }

  close(): void {
    this.source.disconnect();
    this.player.pause();
    this.player.srcObject = null;
  }
}
