import { Api } from '../account/api';
import type { Session } from '../account/account';
import { CallSession, createCallSession } from '../recordings/callSession';
import { RecordedRooms, type RecordedRoom } from '../recordings/recordedRooms';
import { element, setText } from './dom';
import { RecordingsDialog } from './recordingsDialog';

/** Rooms that can be recorded: a new one, and those where one has been, with their recordings. */
export class RecordedRoomCard {
  readonly root: HTMLElement;
  private readonly api: Api;
  private readonly list = element('ul', { className: 'channels', attributes: { 'aria-label': 'Recorded rooms' } });
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });

  constructor(private readonly session: Session, private readonly onJoin: (room: string) => void) {
    this.api = new Api(session.token);
    const open = element('button', { type: 'button', className: 'primary' }, 'Open a room with recording');
    this.root = element('section', { className: 'card', attributes: { 'aria-labelledby': 'recorded-title' } },
      element('h2', { id: 'recorded-title' }, 'Recorded rooms'),
      this.problem, this.list, open,
      element('p', { className: 'hint' }, 'Whoever has its link may come. All who are there see when it is recorded, and may have the recordings.'));
    open.addEventListener('click', () => void this.attempt(async () => {
      open.disabled = true;
      try {
        onJoin(await createCallSession(this.api, session.username));
      } finally {
        open.disabled = false;
      }
    }));
    this.refresh();
  }

  /** The page is shown again: another room may have been entered. */
  refresh(): void {
    const rooms = new RecordedRooms(this.session.username).list();
    this.list.hidden = rooms.length === 0;
    this.list.replaceChildren(...rooms.map((room) => this.item(room)));
  }

  private item(room: RecordedRoom): HTMLElement {
    const since = new Date(room.since).toLocaleString();
    const join = element('button', { type: 'button', attributes: { 'aria-label': `Join the room of ${since}` } }, 'Join');
    const recordings = element('button', { type: 'button', attributes: { 'aria-label': `Recordings of the room of ${since}` } }, 'Recordings');
    join.addEventListener('click', () => this.onJoin(room.id));
    recordings.addEventListener('click', () => void this.attempt(async () => {
      const call = new CallSession(this.api, room.id, this.session.username, this.session.token);
      await call.read();
      const dialog = new RecordingsDialog(call);
      dialog.root.addEventListener('close', () => dialog.root.remove());
      this.root.append(dialog.root);
      await dialog.open();
    }));
    return element('li', {}, element('span', { className: 'name' }, since), element('span', { className: 'row' }, join, recordings));
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.problem.hidden = true;
    } catch (error) {
      this.problem.hidden = false;
      setText(this.problem, error instanceof Error ? error.message : String(error));
    }
  }
}
