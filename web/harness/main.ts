// The browser tests' page: any number of participants, driven from the tests through `window.harness`.
import { AudibleDb } from './ear';
import { Session, type JoinOptions } from './session';
import { ToneToleranceHz } from './tone';
import { peerHarness } from './peer';
import { voiceHarness } from './voice';

const sessions = new Map<string, Session>();

/** A voice below this level is silence. */
const SilenceDb = -60;

function session(key: string): Session {
  const found = sessions.get(key);
  if (!found) {
    throw new Error(`no session ${key}`);
  }
  return found;
}

/** True when each voice carries one tone and the tones are exactly these, in any order. */
function hearsExactly(key: string, tones: number[]): boolean {
  const voices = session(key).hears().filter((voice) => voice.tones.length > 0);
  return voices.length === tones.length
    && voices.every((voice) => voice.tones.length === 1)
    && tones.every((tone) => voices.some((voice) => Math.abs((voice.tones[0] ?? 0) - tone) <= ToneToleranceHz));
}

const harness = {
  async join(key: string, options: JoinOptions): Promise<string> {
    const created = new Session(options);
    sessions.set(key, created);
    await created.join();
    return created.peerId;
  },

  hearsExactly,

  /** True when every listed session hears exactly its tones. */
  allHear(expected: { key: string; tones: number[] }[]): boolean {
    return expected.every(({ key, tones }) => hearsExactly(key, tones));
  },

  setListening(keys: string[], awake: boolean): void {
    keys.forEach((key) => session(key).setListening(awake));
  },

  /** True when the session has listened long enough to know these tones, so that what else it has heard is known as well. */
  hasHeard(key: string, tones: number[]): boolean {
    return tones.every((tone) => session(key).everHeard.has(tone));
  },

  /** The listed tones that the session has heard at any time. */
  everHeard(key: string, tones: number[]): number[] {
    return tones.filter((tone) => session(key).everHeard.has(tone));
  },

  /** Mutes the speaker, at the server alone or on both sides, and gives the milliseconds until the listener hears silence for good. */
  async muteUntilSilent(speaker: string, listener: string, atServerAlone: boolean, deadlineMs: number): Promise<number | null> {
    const { peerId } = session(speaker);
    const start = performance.now();
    let silentSince: number | null = null;
    const muted = atServerAlone ? session(speaker).setPausedAtServer('audio', true) : session(speaker).mute();
    while (performance.now() - start < deadlineMs) {
      if (session(listener).levelOf(peerId) < SilenceDb) {
        silentSince ??= performance.now();
        if (performance.now() - silentSince > 500) {
          await muted;
          return Math.round(silentSince - start);
        }
      } else {
        silentSince = null;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return null;
  },

  /**
   * Waits until the session's media has moved to another node, and each tone is heard there; gives when either was, in milliseconds
   * of the system's clock. What was heard before the move does not count: those consumers end with it.
   */
  async soundsAgain(key: string, tones: number[], movesBefore: number, deadlineMs: number): Promise<{ movedAt: number; heardAt: number } | null> {
    const start = performance.now();
    const heard = new Set<number>();
    let movedAt: number | null = null;
    while (performance.now() - start < deadlineMs) {
      if (movedAt === null && this.hasEvents(key, 'media-moved', movesBefore + 1)) {
        movedAt = Date.now();
      }
      if (movedAt !== null) {
        tones.filter((tone) => session(key).levelOfTone(tone) > AudibleDb).forEach((tone) => heard.add(tone));
        if (heard.size === tones.length) {
          return { movedAt, heardAt: Date.now() };
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return null;
  },

  unmute: (key: string) => session(key).unmute(),
  setPausedAtServer: (key: string, kind: string, paused: boolean) => session(key).setPausedAtServer(kind, paused),
  setPreferredLayers: (key: string, spatialLayer: number) => session(key).setPreferredLayers(spatialLayer),
  setBitrate: (key: string, transport: 'send' | 'recv', which: string, bitrate: number) => session(key).setBitrate(transport, which, bitrate),
  closeProducer: (key: string, kind: string) => session(key).closeProducer(kind),
  restartIce: (key: string) => session(key).restartIce(),
  breakConnection: (key: string) => session(key).breakConnection(),
  sees: (key: string) => session(key).sees(),
  forgetGaps: (key: string) => session(key).forgetGaps(),
  events: (key: string, name: string) => session(key).events.filter((event) => event.name === name).map((event) => event.value),
  hasEvent: (key: string, name: string) => session(key).events.some((event) => event.name === name),
  hasEvents: (key: string, name: string, count: number) => session(key).events.filter((event) => event.name === name).length >= count,
  report: (key: string) => session(key).report(),
  stats: (key: string) => session(key).stats(),
  voiceOf: (key: string, peerId: string) => session(key).voiceOf(peerId),

  /** True when so many packets of the peer's voice have come. */
  voiceFlows: async (key: string, peerId: string, packets: number) => (await session(key).voiceOf(peerId)).packets >= packets,

  /** True when the connection is back and the server has kept the session. */
  isRecovered: (key: string) => session(key).recovered,

  /** True when the one received video has this width and its time has advanced. */
  videoPlays(key: string, width: number): boolean {
    const [sight, ...others] = session(key).sees();
    return sight !== undefined && others.length === 0 && sight.width === width && sight.currentTime > 0 && sight.frames > 10;
  },

  /** True when the one received video has this width now. */
  videoIsWide: (key: string, width: number): boolean => session(key).sees()[0]?.width === width,

  /** True when the received videos have exactly these widths and all of them play. */
  videosPlay(key: string, widths: number[]): boolean {
    const sights = session(key).sees();
    return sights.length === widths.length
      && widths.every((width) => sights.some((sight) => sight.width === width && sight.frames > 10));
  },

  /** True when the one received video has shown so many frames. */
  framesSeen: (key: string, frames: number) => (session(key).sees()[0]?.frames ?? 0) >= frames,

  /** The server's ICE user names that the connected transports use, one a transport. */
  remoteIceUsers: (key: string) => session(key).remoteIceUsers(),

  /** True when every transport is connected under another name than these. */
  async hasOtherIceUsers(key: string, before: string[]): Promise<boolean> {
    const now = await session(key).remoteIceUsers();
    return now.length === before.length && now.every((user) => !before.includes(user));
  },

  async leave(key: string): Promise<void> {
    await session(key).leave();
    sessions.delete(key);
  },

  close(key: string): void {
    session(key).close();
    sessions.delete(key);
  },

  ...voiceHarness,
  ...peerHarness,
};

declare global {
  interface Window {
    harness: typeof harness;
  }
}

window.harness = harness;
