import { Emitter } from '../room/emitter';

export interface PlaybackEvents {
  /** The browser wants a click before it plays sound, or no longer does. */
  blocked: boolean;
}

/** Plays the voices of the others, one audio element a track. */
export class Playback extends Emitter<PlaybackEvents> {
  private readonly players = new Map<string, HTMLAudioElement>();

  add(id: string, track: MediaStreamTrack): void {
    this.remove(id);
    const player = document.createElement('audio');
    player.autoplay = true;
    player.srcObject = new MediaStream([track]);
    player.dataset['consumer'] = id;
    document.body.append(player);
    this.players.set(id, player);
    void this.start(player);
  }

  remove(id: string): void {
    const player = this.players.get(id);
    if (player) {
      player.srcObject = null;
      player.remove();
      this.players.delete(id);
    }
  }

  clear(): void {
    for (const id of [...this.players.keys()]) {
      this.remove(id);
    }
  }

  /** Tries again to play everything; called from a click. */
  async unblock(): Promise<void> {
    this.emit('blocked', false);
    await Promise.all([...this.players.values()].map((player) => this.start(player)));
  }

  private async start(player: HTMLAudioElement): Promise<void> {
    try {
      await player.play();
    } catch (error) {
      // AbortError: the player was removed before it began, which is no fault.
      if (error instanceof DOMException && error.name === 'NotAllowedError') {
        this.emit('blocked', true);
      } else if (!(error instanceof DOMException && error.name === 'AbortError')) {
        console.warn('A voice could not be played', error);
      }
    }
  }
}
