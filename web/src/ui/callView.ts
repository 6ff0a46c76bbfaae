import type { CallClient, CallPhase } from '../calls/callClient';
import { control, dress } from './controls';
import { element, setText } from './dom';

const ClockMs = 1000;

const PhaseText: Record<CallPhase, string> = {
  calling: 'Ringing…',
  connecting: 'Connecting…',
  active: 'In call',
};

/** The call that runs: with whom, how it stands, mute and hang up. */
export class CallView {
  readonly root: HTMLElement;
  private readonly heading: HTMLHeadingElement;
  private readonly status = element('p', { className: 'status', attributes: { role: 'status' } });
  // The seconds would have a screen reader talk without end: they stand apart from the status.
  private readonly clock = element('p', { className: 'clock', attributes: { 'role': 'timer', 'aria-live': 'off' } });
  private readonly mute = control('M');
  private readonly sound = element('button', { type: 'button', className: 'primary', hidden: true }, 'Play sound');
  private readonly ticking: number;

  constructor(private readonly calls: CallClient) {
    this.heading = element('h1', { tabIndex: -1 }, calls.current?.name ?? '');
    const hangup = control();
    hangup.classList.add('danger');
    dress(hangup, 'hangup', 'Hang up');
    this.root = element('div', { className: 'room call' },
      element('div', { className: 'call-stage' },
        element('div', { className: 'avatar', attributes: { 'aria-hidden': 'true' } }, initial(calls.current?.name ?? '')),
        this.heading, this.status, this.clock, this.sound),
      element('div', { className: 'bar', attributes: { 'role': 'group', 'aria-label': 'Your controls' } }, this.mute, hangup));
    this.mute.addEventListener('click', () => this.toggleMute());
    hangup.addEventListener('click', () => calls.hangup());
    this.sound.addEventListener('click', () => void calls.playback.unblock());
    calls.playback.on('blocked', (blocked) => {
      this.sound.hidden = !blocked;
    });
    this.ticking = window.setInterval(() => this.tick(), ClockMs);
    this.render();
  }

  focus(): void {
    this.heading.focus();
  }

  toggleMute(): void {
    this.calls.setMuted(!this.calls.current?.muted);
  }

  render(): void {
    const call = this.calls.current;
    if (!call) {
      return;
    }
    this.root.dataset['status'] = call.phase === 'active' ? 'joined' : 'connecting';
    setText(this.status, PhaseText[call.phase]);
    dress(this.mute, call.muted ? 'microphoneOff' : 'microphone', call.muted ? 'Unmute' : 'Mute');
    this.mute.dataset['on'] = String(!call.muted);
    this.tick();
  }

  dispose(): void {
    clearInterval(this.ticking);
    this.root.remove();
  }

  private tick(): void {
    const since = this.calls.current?.since;
    const seconds = since ? Math.floor((Date.now() - since) / 1000) : 0;
    setText(this.clock, since ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : '');
  }
}

function initial(name: string): string {
  return [...name][0]?.toUpperCase() ?? '';
}
