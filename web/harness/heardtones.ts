import { ToneToleranceHz } from './tone';

/** Readings of one source in a row that make a tone heard: a click, a gap or a stretched packet makes no tone, a voice lasts. */
const ReadingsInARow = 4;

/**
 * Remembers which tones were ever heard. A busy browser runs the timer late and then twice in a row, so readings whose spectra
 * share sound are one reading: otherwise a single click counts as often as it is looked at.
 */
export class HeardTones {
  private readonly heard = new Set<number>();
  private readonly sources = new Map<string, { at: number; readings: number[][] }>();

  /**
   * Notes one reading of one source.
   * @param at The time of the audio context, in seconds.
   * @param windowSeconds How much sound the reading was made of.
   */
  note(source: string, tones: number[], at: number, windowSeconds: number): void {
    const last = this.sources.get(source);
    if (last && at - last.at < windowSeconds) {
      return;
    }
    const before = last?.readings ?? [];
    for (const tone of tones) {
      if (before.length === ReadingsInARow - 1 && before.every((reading) => has(reading, tone))) {
        this.heard.add(tone);
      }
    }
    this.sources.set(source, { at, readings: [...before, tones].slice(1 - ReadingsInARow) });
  }

  /** The source has ended; what was heard of it stays. */
  forget(source: string): void {
    this.sources.delete(source);
  }

  has(tone: number): boolean {
    return has(this.heard, tone);
  }

  all(): number[] {
    return [...this.heard];
  }
}

function has(tones: Iterable<number>, tone: number): boolean {
  return [...tones].some((other) => Math.abs(other - tone) <= ToneToleranceHz);
}
