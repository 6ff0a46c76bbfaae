// Tones out and in as PCM: no sound card, no WebAudio.
import wrtc from '@roamhq/wrtc';

const { RTCAudioSink, RTCAudioSource } = wrtc.nonstandard;

const SampleRate = 48_000;
/** RTCAudioSource takes 10 ms at a time. */
const FrameMs = 10;
const FrameSamples = SampleRate * FrameMs / 1000;
const Amplitude = 8000;

/** Sends a sine as an audio track; frames follow the clock, so that a late timer catches up instead of slowing the tone. */
export class ToneSource {
  #source = new RTCAudioSource();
  #phase = 0;
  #sent = 0;
  #started = performance.now();
  #timer;

  constructor(hz) {
    this.track = this.#source.createTrack();
    const step = 2 * Math.PI * hz / SampleRate;
    this.#timer = setInterval(() => {
      const due = Math.floor((performance.now() - this.#started) / FrameMs);
      for (; this.#sent < due; this.#sent++) {
        const samples = new Int16Array(FrameSamples);
        for (let i = 0; i < FrameSamples; i++) {
          samples[i] = Math.round(Amplitude * Math.sin(this.#phase));
          this.#phase += step;
        }
        this.#source.onData({ samples, sampleRate: SampleRate, bitsPerSample: 16, channelCount: 1, numberOfFrames: FrameSamples });
      }
    }, FrameMs);
  }

  stop() {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

/** The share of the sound's energy that a tone must hold to count as heard, where a voice is one tone. */
const ToneShare = 0.5;
/** Sound below this RMS is silence. */
const SilenceRms = 200;
/** Tones are measured over this much sound, which tells 20 Hz apart. */
const WindowMs = 100;

/** Listens to a received track and says which of the candidate tones it carries. */
export class ToneSink {
  #sink;
  #samples = [];
  #rate = SampleRate;
  #share;

  constructor(track, share = ToneShare) {
    this.#share = share;
    this.#sink = new RTCAudioSink(track);
    this.#sink.ondata = ({ samples, sampleRate, channelCount }) => {
      this.#rate = sampleRate;
      for (let i = 0; i < samples.length; i += channelCount) {
        this.#samples.push(samples[i]);
      }
      const wanted = sampleRate * WindowMs / 1000;
      if (this.#samples.length > wanted) {
        this.#samples.splice(0, this.#samples.length - wanted);
      }
    };
  }

  /** The candidates that are in the sound now; null while there is too little sound to say. */
  heard(candidates) {
    const samples = this.#samples;
    if (samples.length < this.#rate * WindowMs / 1000) {
      return null;
    }
    const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    if (Math.sqrt(energy) < SilenceRms) {
      return [];
    }
    return candidates.filter((hz) => goertzel(samples, hz, this.#rate) > this.#share * energy);
  }

  stop() {
    this.#sink.stop();
  }
}

/** The mean power of one frequency in the samples (Goertzel); equals the energy for a pure tone. */
function goertzel(samples, hz, rate) {
  const coefficient = 2 * Math.cos(2 * Math.PI * hz / rate);
  let before = 0;
  let last = 0;
  for (const sample of samples) {
    [before, last] = [last, sample + coefficient * last - before];
  }
  const power = last * last + before * before - coefficient * last * before;
  return 2 * power / (samples.length * samples.length);
}

/** Tells the test something, as a line of JSON. */
export const say = (line) => console.log(JSON.stringify(line));

/** Says which of the candidates each of the voices in a map of sinks is made of, whenever that has changed. */
export function reportVoices(sinks, candidates) {
  let last = '';
  setInterval(() => {
    // A voice with no tone, or with two, shows as such: [[700],[]] is not [[700]].
    const voices = [...sinks.values()].map((sink) => sink.heard(candidates)).filter((heard) => heard !== null && heard.length > 0);
    const line = JSON.stringify(voices.sort((a, b) => a[0] - b[0]));
    if (line !== last) {
      last = line;
      say({ hears: voices });
    }
  }, 100);
}
