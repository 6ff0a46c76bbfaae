import type { CallSession } from '../recordings/callSession';
import { element, setText } from './dom';
import type { Notices } from './notices';
import { RecordingsDialog } from './recordingsDialog';

/** Recording in a room that can be recorded: the sign that all see, the control of who may, and the way to the recordings. */
export class RecordingBar {
  readonly root: HTMLElement;

  /** Stays in the page while nothing is recorded, so that screen readers hear when that changes. */
  private readonly sign = element('p', { className: 'recording-sign', attributes: { role: 'status' } });
  private readonly record = element('button', { type: 'button', attributes: { 'aria-keyshortcuts': 'R', 'title': 'Key R' } });
  private pending = false;

  constructor(private readonly session: CallSession, private readonly notices: Notices) {
    const dialog = new RecordingsDialog(session);
    const recordings = element('button', { type: 'button' }, 'Recordings');
    this.root = element('div', { className: 'recording-bar' }, this.sign, this.record, recordings, dialog.root);
    this.record.addEventListener('click', () => this.toggle());
    recordings.addEventListener('click', () => void dialog.open());
    session.on('change', () => this.render());
    this.render();
  }

  toggle(): void {
    if (!this.pending && this.session.mayRecord) {
      void this.setRecording(!this.session.isRecording);
    }
  }

  private async setRecording(on: boolean): Promise<void> {
    this.pending = true;
    this.render();
    try {
      await this.session.setRecording(on);
    } catch (error) {
      this.notices.show({ level: 'error', text: error instanceof Error ? error.message : String(error) });
    } finally {
      this.pending = false;
      this.render();
    }
  }

  private render(): void {
    const { isRecording, mayRecord } = this.session;
    setText(this.sign, isRecording ? 'This room is being recorded' : '');
    this.record.hidden = !mayRecord;
    this.record.disabled = this.pending;
    setText(this.record, isRecording ? 'Stop recording' : 'Record');
  }
}
