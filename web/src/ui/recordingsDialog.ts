import type { CallSession, Recording, RecordingFile } from '../recordings/callSession';
import { element, setText } from './dom';

const NanosecondsPerSecond = 1e9;

/** While a file is written, the list is read again so often. */
const RefreshMs = 1000;

const StatusText: Record<Recording['status'], string> = {
  starting: 'begins', recording: 'goes on', stopped: 'done', failed: 'failed',
};

/** The recordings of a call session: what there is, and to have it or to delete it. */
export class RecordingsDialog {
  readonly root: HTMLDialogElement;
  private readonly list = element('ul', { className: 'recordings', attributes: { 'aria-label': 'Recordings' } });
  private readonly empty = element('p', { className: 'hint', attributes: { role: 'status' } });
  private readonly problem = element('p', { className: 'problem', hidden: true, attributes: { role: 'alert' } });

  private refresh: number | undefined;

  constructor(private readonly session: CallSession) {
    this.root = element('dialog', { className: 'card', attributes: { 'aria-labelledby': 'recordings-title' } },
      element('form', { method: 'dialog' },
        element('h2', { id: 'recordings-title' }, 'Recordings'),
        this.problem, this.empty, this.list,
        element('button', { type: 'submit', className: 'primary' }, 'Done')));
    session.on('recordings', () => {
      if (this.root.open) {
        void this.attempt(() => this.load());
      }
    });
  }

  async open(): Promise<void> {
    setText(this.empty, 'Reading the recordings…');
    this.list.replaceChildren();
    this.root.showModal();
    await this.attempt(() => this.load());
  }

  private async load(): Promise<void> {
    const recordings = await this.session.recordings();
    setText(this.empty, recordings.length === 0 ? 'There are none yet.' : '');
    this.list.replaceChildren(...recordings.map((recording) => this.item(recording)));
    clearTimeout(this.refresh);
    if (recordings.some((recording) => recording.files.some((file) => !file.complete))) {
      this.refresh = window.setTimeout(() => {
        if (this.root.open) {
          void this.attempt(() => this.load());
        }
      }, RefreshMs);
    }
  }

  private item(recording: Recording): HTMLElement {
    const when = new Date(recording.createdAt).toLocaleString();
    const runs = recording.status === 'starting' || recording.status === 'recording';
    const remove = element('button', {
      type: 'button', hidden: runs || !this.session.mayDelete, attributes: { 'aria-label': `Delete the recording of ${when}` },
    }, 'Delete');
    remove.addEventListener('click', () => {
      if (confirm(`Delete the recording of ${when} with all its files? Nobody can bring it back.`)) {
        void this.attempt(async () => {
          await this.session.deleteRecording(recording);
          await this.load();
        });
      }
    });
    return element('li', { data: { status: recording.status } },
      element('div', { className: 'card-head' },
        element('span', {}, `${when}, ${recording.error ?? StatusText[recording.status]}`), remove),
      element('ul', {}, ...recording.files.map((file) => this.file(file))));
  }

  private file(file: RecordingFile): HTMLElement {
    const download = element('button', {
      type: 'button', disabled: !file.complete, attributes: { 'aria-label': `Download ${file.name}` },
    }, file.complete ? 'Download' : 'Still written');
    download.addEventListener('click', () => void this.attempt(async () => {
      download.disabled = true;
      try {
        const content = await this.session.download(file, (share) => setText(download, `${Math.floor(share * 100)} %`));
        save(content, file.name);
      } finally {
        download.disabled = false;
        setText(download, 'Download');
      }
    }));
    return element('li', {},
      element('span', { className: 'name' }, file.name),
      element('span', { className: 'detail' }, `${timeOf(file.duration)}, ${sizeOf(file.size)}`),
      download);
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

/** Hands a file to the browser's downloads. */
function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  element('a', { href: address, download: name }).click();

  // The browser has taken it over by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function timeOf(nanoseconds: number): string {
  const seconds = Math.round(nanoseconds / NanosecondsPerSecond);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
