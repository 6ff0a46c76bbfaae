import { ApiError, type Api } from '../account/api';
import { Notifications } from '../account/notifications';
import { Emitter } from '../room/emitter';
import { RequestError } from '../room/errors';

/** What a room's name begins with when it is that of a call session. */
const Prefix = 'call_';

/** Somebody in the session; the id is a username, or the random one of a tab. */
interface Participant {
  id: string;
  role: 'host' | 'moderator' | 'participant';
}

/** A call session (docs/protocols/peers.md). */
interface SessionAnswer {
  id: string;
  status: 'active' | 'ended';
  recordingId: string | null;
  participants: Participant[];
}

/** A file of a recording. */
export interface RecordingFile {
  name: string;
  kind: 'audio' | 'mix' | 'video';
  participantId: string | null;
  contentType: string;
  size: number;
  /** Nanoseconds. */
  duration: number;
  /** Nothing will be written to it any more. */
  complete: boolean;
  url: string;
}

/** A recording of the session. */
export interface Recording {
  id: string;
  status: 'starting' | 'recording' | 'stopped' | 'failed';
  startedBy: string;
  createdAt: string;
  error: string | null;
  files: RecordingFile[];
}

interface Envelope<Data> {
  data: Data;
}

export interface CallSessionEvents {
  /** Who may record, or whether a recording runs, has changed. */
  change: undefined;
  /** The recordings have changed: list them again. */
  recordings: undefined;
}

/** Whether a room is that of a call session, which can be recorded. */
export function isCallSession(room: string): boolean {
  return room.startsWith(Prefix);
}

/** Makes a call session; its id is the name of its room. */
export async function createCallSession(api: Api, username: string): Promise<string> {
  return (await api.request<Envelope<SessionAnswer>>('POST', '/call/session', { creatorId: username, type: 'video', quality: 'high' })).data.id;
}

/** One's part in a call session: being let in, and recording. */
export class CallSession extends Emitter<CallSessionEvents> {
  private readonly notifications: Notifications;
  private session: SessionAnswer | null = null;

  /**
   * @param user the username of who is signed in, or the random id of the tab
   * @param token of who is signed in, or null
   */
  constructor(private readonly api: Api, readonly id: string, private readonly user: string, token: string | null) {
    super();
    this.notifications = new Notifications(token, user);
    this.notifications.on('ready', () => void this.refresh());
    this.notifications.on('told', ({ type, sessionId, data }) => {
      if (type === 'call' && sessionId === this.id) {
        const { event, session } = data as { event: string; session: SessionAnswer };
        this.take(session);
        if (event.startsWith('recording')) {
          this.emit('recordings', undefined);
        }
      }
    });
  }

  /** A recording runs. */
  get isRecording(): boolean {
    return this.session?.status === 'active' && this.session.recordingId !== null;
  }

  /** The host and moderators record. */
  get mayRecord(): boolean {
    return this.session?.status === 'active' && this.mayDelete;
  }

  /** They delete as well, also when the session is over. */
  get mayDelete(): boolean {
    const role = this.session?.participants.find((participant) => participant.id === this.user)?.role;
    return role === 'host' || role === 'moderator';
  }

  /** Becomes a participant, whom the room lets in. Again is no harm. */
  async join(): Promise<void> {
    try {
      this.take((await this.api.request<Envelope<SessionAnswer>>('POST', '/call/join', this.me)).data);
    } catch (error) {
      if (error instanceof ApiError && (error.status === 0 || error.status === 503)) {
        // Entering the room is tried again, as when the room itself does not answer.
        throw new RequestError('TIMEOUT', error.message);
      }
      throw error;
    }
  }

  /** Reads who is in it and whether it is recorded. */
  async read(): Promise<void> {
    this.take((await this.api.request<Envelope<SessionAnswer>>('GET', `/call/session/${this.id}?${this.reader}`)).data);
  }

  /** Hears of every change until it is closed. */
  open(): void {
    this.notifications.open();
  }

  close(): void {
    this.notifications.close();
  }

  async setRecording(on: boolean): Promise<void> {
    await this.api.request('POST', `/call/recording/${on ? 'start' : 'stop'}`, this.me);
    await this.refresh();
  }

  /** All recordings of the session, newest first. */
  async recordings(): Promise<Recording[]> {
    const { data } = await this.api.request<Envelope<Recording[]>>('GET', `/call/recordings/${this.id}?${this.reader}`);
    return [...data].sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  }

  /** Deletes a recording with its files. */
  async deleteRecording(recording: Recording): Promise<void> {
    await this.api.request('DELETE', `/call/recordings/${this.id}/${recording.id}?${this.reader}`);
    this.emit('recordings', undefined);
  }

  /** A file's content, fetched part by part: what is lost on the way is asked for again, and only that. */
  download(file: RecordingFile, onProgress: (share: number) => void): Promise<Blob> {
    return this.api.download(`${file.url}?${this.reader}`, file.size, file.contentType, onProgress);
  }

  private get me(): { sessionId: string; participantId: string } {
    return { sessionId: this.id, participantId: this.user };
  }

  private get reader(): string {
    return `userID=${encodeURIComponent(this.user)}`;
  }

  private async refresh(): Promise<void> {
    try {
      await this.read();
    } catch (error) {
      // The next notification, or the next connection, tells it.
      console.debug('the call session was not read', error);
    }
  }

  private take(session: SessionAnswer): void {
    this.session = session;
    this.emit('change', undefined);
  }
}
