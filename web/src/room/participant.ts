import type { PeerInfo, UserId } from './protocol';

/** One person in the room as the page shows them. */
export interface Participant {
  readonly peerId: string;
  readonly userId: UserId;
  readonly name: string;
  readonly isSelf: boolean;
  /** True while no voice can come from this person: no microphone, or muted. */
  muted: boolean;
  /** The server counts this person among those who speak. */
  speaking: boolean;
  /** The level that the server measured last, in dBov. */
  level: number;
  camera: MediaStreamTrack | null;
}

/** Builds a participant; someone without a display name is shown by the start of their user id. */
export function participantOf(peer: PeerInfo, isSelf = false): Participant {
  const name = peer.displayName?.trim();
  return {
    peerId: peer.peerId,
    userId: peer.userId,
    name: name || `Guest ${String(peer.userId).slice(0, 8)}`,
    isSelf,
    muted: true,
    speaking: false,
    level: -127,
    camera: null,
  };
}
