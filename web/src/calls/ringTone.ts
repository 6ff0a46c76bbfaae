type Tone = 'incoming' | 'outgoing';

/** Frequencies in Hz and how long the tone sounds and rests in s; the outgoing one is the European ringing tone. */
const Tones: Record<Tone, { hertz: number[]; on: number; off: number; gain: number }> = {
  incoming: { hertz: [660, 880], on: 0.8, off: 1.2, gain: 0.15 },
  outgoing: { hertz: [425], on: 1, off: 4, gain: 0.06 },
};

/** Rings, here or as one hears it when calling. A browser that wants a click first keeps silent. */
export class RingTone {
  private context: AudioContext | null = null;

  play(tone: Tone): void {
    this.stop();
    const { hertz, on, off, gain } = Tones[tone];
    const context = new AudioContext();
    const volume = context.createGain();
    volume.gain.value = 0;
    volume.connect(context.destination);
    for (const frequency of hertz) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(volume);
      oscillator.start();
    }
    // Nothing rings longer than two minutes.
    for (let at = 0; at < 120; at += on + off) {
      volume.gain.setTargetAtTime(gain, context.currentTime + at, 0.02);
      volume.gain.setTargetAtTime(0, context.currentTime + at + on, 0.02);
    }
    this.context = context;
  }

  stop(): void {
    void this.context?.close();
    this.context = null;
  }
}
