import type { RoomClient, RoomStatus } from '../room/roomClient';
import { DeviceDialog } from './deviceDialog';
import { control, dress } from './controls';
import { element, setText } from './dom';
import type { Notices } from './notices';
import { ParticipantList } from './participantList';
import { RecordingBar } from './recordingBar';
import type { CallSession } from '../recordings/callSession';

/** The rings are redrawn so often, which is the pace of the server's own levels. */
const LevelIntervalMs = 100;

const StatusText: Record<RoomStatus, string> = {
  idle: '',
  connecting: 'Connecting…',
  joined: 'Connected',
  reconnecting: 'Connection lost. Reconnecting…',
};

/** The room: people, state of the connection, and the bar with one's own controls. */
export class RoomView {
  readonly root: HTMLElement;
  private readonly people = new ParticipantList();
  private readonly heading: HTMLHeadingElement;
  private readonly status = element('p', { className: 'status', attributes: { role: 'status' } });
  private readonly count = element('p', { className: 'count' });
  private readonly mute = control('M');
  private readonly camera = control('V');
  private readonly sound = element('button', { type: 'button', className: 'primary', hidden: true }, 'Play sound');
  private readonly devices: DeviceDialog;
  private readonly levels: number;

  private readonly recording: RecordingBar | null;

  /** @param session of a room that can be recorded */
  constructor(private readonly client: RoomClient, private readonly notices: Notices, session: CallSession | null = null) {
    this.recording = session && new RecordingBar(session, notices);
    this.devices = new DeviceDialog((kind, deviceId) => void client.useDevice(kind, deviceId));
    this.heading = element('h1', { tabIndex: -1 }, client.title);

    const settings = control();
    dress(settings, 'settings', 'Devices');
    const leave = control();
    leave.classList.add('danger');
    dress(leave, 'leave', 'Leave');
    const copy = control();
    copy.classList.add('quiet');
    dress(copy, 'link', 'Copy link');

    this.root = element('div', { className: 'room' },
      element('div', { className: 'room-head' },
        element('div', {}, this.heading, this.count),
        copy),
      this.status,
      this.recording?.root,
      this.sound,
      element('section', { className: 'stage', attributes: { 'aria-label': 'People' } }, this.people.root),
      element('div', { className: 'bar', attributes: { 'role': 'group', 'aria-label': 'Your controls' } },
        this.mute, this.camera, settings, leave),
      this.devices.root);

    this.mute.addEventListener('click', () => this.toggleMute());
    this.camera.addEventListener('click', () => this.toggleCamera());
    settings.addEventListener('click', () => void this.devices.open());
    leave.addEventListener('click', () => void client.leave());
    copy.addEventListener('click', () => void this.copyLink());
    this.sound.addEventListener('click', () => void client.remote.playback.unblock());

    client.on('roster', () => this.render());
    client.on('status', () => this.render());
    client.remote.playback.on('blocked', (blocked) => {
      this.sound.hidden = !blocked;
    });
    this.levels = window.setInterval(() => this.drawLevels(), LevelIntervalMs);
    this.render();
  }

  focus(): void {
    this.heading.focus();
  }

  toggleMute(): void {
    void this.client.setMuted(!this.client.local.muted);
  }

  toggleCamera(): void {
    void this.client.setCamera(this.client.local.camera === null);
  }

  toggleRecording(): void {
    this.recording?.toggle();
  }

  dispose(): void {
    clearInterval(this.levels);
    this.root.remove();
  }

  private render(): void {
    const { client } = this;
    this.root.dataset['status'] = client.status;
    setText(this.status, StatusText[client.status]);
    const { length } = client.participants;
    setText(this.count, length === 1 ? 'Only you are here' : `${length} people`);
    this.people.render(client.participants);

    const { muted, camera } = client.local;
    dress(this.mute, muted ? 'microphoneOff' : 'microphone', muted ? 'Unmute' : 'Mute');
    this.mute.dataset['on'] = String(!muted);
    dress(this.camera, camera ? 'camera' : 'cameraOff', camera ? 'Stop camera' : 'Start camera');
    this.camera.dataset['on'] = String(camera !== null);
  }

  private drawLevels(): void {
    for (const participant of this.client.participants) {
      this.people.showLevel(participant.peerId, this.client.levelOf(participant));
    }
  }

  private async copyLink(): Promise<void> {
    try {
      await navigator.clipboard.writeText(location.href);
      this.notices.show({ level: 'info', text: 'The link to this room is copied.' });
    } catch {
      this.notices.show({ level: 'warning', text: `Copy this address to invite others: ${location.href}` });
    }
  }
}
