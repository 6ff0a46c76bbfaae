import { ringOf } from '../media/levels';
import type { Participant } from '../room/participant';
import { element, setText } from './dom';
import { icon } from './icons';

interface Tile {
  readonly root: HTMLLIElement;
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  readonly picture: HTMLElement;
  readonly video: HTMLVideoElement;
}

/** Who is in the room: one tile a person, with a ring that follows the voice. */
export class ParticipantList {
  readonly root = element('ul', { className: 'people', attributes: { 'aria-label': 'People in this room', 'role': 'list' } });
  private readonly tiles = new Map<string, Tile>();

  render(participants: readonly Participant[]): void {
    const present = new Set(participants.map((participant) => participant.peerId));
    for (const [peerId, tile] of this.tiles) {
      if (!present.has(peerId)) {
        tile.video.srcObject = null;
        tile.root.remove();
        this.tiles.delete(peerId);
      }
    }
    participants.forEach((participant, index) => {
      const tile = this.tiles.get(participant.peerId) ?? this.create(participant);
      this.update(tile, participant);
      if (this.root.children[index] !== tile.root) {
        this.root.insertBefore(tile.root, this.root.children[index] ?? null);
      }
    });
  }

  /** Draws the ring; called many times a second, so it touches nothing but one style property. */
  showLevel(peerId: string, dbov: number): void {
    this.tiles.get(peerId)?.root.style.setProperty('--level', ringOf(dbov).toFixed(2));
  }

  private create(participant: Participant): Tile {
    const video = element('video', {
      autoplay: true, muted: true, playsInline: true, hidden: true,
      attributes: { 'aria-label': `Camera of ${participant.name}` },
    });
    const avatar = element('span', { className: 'avatar', attributes: { 'aria-hidden': 'true' } }, initials(participant.name));
    avatar.style.setProperty('--hue', String(hueOf(participant.name)));
    const picture = element('div', { className: 'picture' }, avatar, video);
    const name = element('span', { className: 'name' });
    const state = element('span', { className: 'sr-only' });
    const badge = element('span', { className: 'muted-badge', attributes: { 'aria-hidden': 'true' } });
    badge.append(icon('microphoneOff'));
    const root = element('li', { className: 'tile', data: { peer: participant.peerId } },
      picture, element('div', { className: 'caption' }, badge, name, state));
    const tile = { root, name, state, picture, video };
    this.tiles.set(participant.peerId, tile);
    return tile;
  }

  private update(tile: Tile, participant: Participant): void {
    const speaking = participant.speaking && !participant.muted;
    tile.root.dataset['self'] = String(participant.isSelf);
    tile.root.dataset['muted'] = String(participant.muted);
    tile.root.dataset['speaking'] = String(speaking);
    setText(tile.name, participant.isSelf ? `${participant.name} (you)` : participant.name);
    setText(tile.state, participant.muted ? ', muted' : speaking ? ', speaking' : '');

    const shown = (tile.video.srcObject as MediaStream | null)?.getVideoTracks()[0] ?? null;
    if (shown !== participant.camera) {
      tile.video.srcObject = participant.camera ? new MediaStream([participant.camera]) : null;
      tile.video.hidden = participant.camera === null;
    }
  }
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...word ?? '?'][0] ?? '?').join('').toUpperCase();
}

/** A colour that stays with a name. */
function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) {
    hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 360;
  }
  return hash;
}
