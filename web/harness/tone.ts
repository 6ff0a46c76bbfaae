/** Two readings within this distance are the same tone. */
export const ToneToleranceHz = 15;

let sharedContext: AudioContext | null = null;

/** The page's one audio context. */
export function audio(): AudioContext {
  sharedContext ??= new AudioContext({ sampleRate: 48_000 });
  void sharedContext.resume();
  return sharedContext;
}

export interface Tone {
  track: MediaStreamTrack;
  oscillator: OscillatorNode;
  /** Its amplitude, 1 for full scale. */
  gain: GainNode;
}

/** A tone as a track: an oscillator into a stream. */
export function toneTrack(hz: number, amplitude = 0.25): Tone {
  const context = audio();
  const oscillator = context.createOscillator();
  oscillator.frequency.value = hz;
  const gain = context.createGain();
  gain.gain.value = amplitude;
  const destination = context.createMediaStreamDestination();
  destination.channelCount = 1;
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  const track = destination.stream.getAudioTracks()[0];
  if (!track) {
    throw new Error('no tone track');
  }
  return { track, oscillator, gain };
}
