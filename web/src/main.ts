import { forgetSession, rememberedSession, signIn, type Session } from './account/account';
import { Api } from './account/api';
import { CallClient, type IncomingCall } from './calls/callClient';
import { CallSession, isCallSession } from './recordings/callSession';
import { RecordedRooms } from './recordings/recordedRooms';
import { RoomClient, type Notice } from './room/roomClient';
import { rememberedName, rememberName, roomOfAddress, showRoomInAddress, userId } from './room/identity';
import { AccountBadge } from './ui/accountView';
import { Announcer } from './ui/announcer';
import { CallView } from './ui/callView';
import { HomeView } from './ui/homeView';
import { IncomingDialog } from './ui/incomingDialog';
import { Notices } from './ui/notices';
import { RoomView } from './ui/roomView';
import { Shortcuts } from './ui/shortcuts';

const Title = 'VoiceCluster';

/** A room that can be recorded has an id for a name, which says nothing to people. */
const RecordedTitle = 'Room with recording';

/** A place to be: what is left when another view comes. */
interface Stay {
  kind: 'room' | 'call';
  leave: () => void;
  dispose: () => void;
}

/** Switches between the views and hands what happens to the page's live regions. */
class App {
  private readonly announcer = new Announcer(required('announcer'));
  private readonly notices = new Notices(required('notices'));
  private readonly shortcuts = new Shortcuts();
  private readonly badge = new AccountBadge(() => this.signOut('You are signed out.'));
  private readonly home = new HomeView({
    join: ({ room, name }) => this.enterRoom(room, name, room),
    joinChannel: ({ id, name }) => this.enterRoom(id, this.calls?.session.username ?? rememberedName(), name),
    joinRecorded: (room) => this.enterRoom(room, this.calls?.session.username ?? rememberedName(), room),
    signIn: async (username) => this.useSession(await signIn(username), true),
  });

  private readonly incoming = new IncomingDialog(() => void this.acceptCall(), () => this.calls?.decline());
  private calls: CallClient | null = null;
  private stay: Stay | null = null;

  constructor(private readonly main: HTMLElement) {
    // The others see at once that the tab is closed, instead of after the server's timeout.
    window.addEventListener('pagehide', () => {
      this.stay?.leave();
      this.calls?.close();
    });
    required('account').append(this.badge.root);
    document.body.append(this.incoming.root);
  }

  start(): void {
    const session = rememberedSession();
    if (session) {
      this.useSession(session, false);
    }
    this.home.join.fill(roomOfAddress(), rememberedName());
    this.main.replaceChildren(this.home.root);
    this.home.join.focus();
  }

  private enterRoom(room: string, name: string, wanted: string): void {
    const session = isCallSession(room) ? this.callSession(room) : null;
    const title = session ? RecordedTitle : wanted;
    rememberName(name);
    showRoomInAddress(room);
    document.title = `${title} – ${Title}`;

    const client = new RoomClient(room, name, title, this.calls?.session.token ?? null, () => session?.join() ?? Promise.resolve());
    client.on('notice', (notice) => this.notices.show(notice));
    client.on('presence', (text) => this.announcer.say(text));
    client.on('ended', ({ message }) => this.leftRoom(wanted === room ? room : '', name, message));
    client.on('status', (status) => {
      if (status === 'joined') {
        this.notices.clearPassing();
      }
    });

    const view = new RoomView(client, this.notices, session);
    this.stay = {
      kind: 'room',
      leave: () => client.abandon(),
      dispose: () => {
        session?.close();
        view.dispose();
      },
    };
    this.main.replaceChildren(view.root);
    view.focus();
    this.shortcuts.use({ m: () => view.toggleMute(), v: () => view.toggleCamera(), r: () => view.toggleRecording() });
    client.start();
    session?.open();
  }

  /** One's part in a room that can be recorded: as who is signed in, or as the user of this tab. */
  private callSession(room: string): CallSession {
    const account = this.calls?.session ?? null;
    if (account) {
      new RecordedRooms(account.username).add(room);
    }
    return new CallSession(new Api(account?.token ?? null), room, account?.username ?? userId(), account?.token ?? null);
  }

  private leftRoom(room: string, name: string, problem: string | null): void {
    this.home.join.fill(room, name);
    this.home.join.showProblem(problem);
    this.showHome();
    this.home.join.focus();
    if (problem === null) {
      this.notices.clear();
      this.announcer.say('You left the room.');
    }
  }

  private useSession(session: Session, byHand: boolean): void {
    const calls = new CallClient(session);
    this.calls = calls;
    calls.on('online', () => this.home.showReach());
    calls.on('incoming', (call) => this.showIncoming(call));
    calls.on('notice', (notice: Notice) => this.notices.show(notice));
    calls.on('ended', ({ name, text }) => this.leftCall(name, text));
    calls.on('expired', () => this.signOut('Your sign-in has ended. Sign in again.'));
    let view: CallView | null = null;
    calls.on('change', () => {
      if (calls.current && this.stay?.kind !== 'call') {
        view = this.enterCall(calls);
      }
      view?.render();
    });
    this.badge.show(session.username);
    this.home.use(calls);
    this.home.join.fillName(session.username);
    if (byHand) {
      this.announcer.say(`Signed in as ${session.username}.`);
      this.home.focusCall();
    }
    calls.open();
  }

  private signOut(text: string): void {
    forgetSession();
    this.calls?.close();
    this.calls = null;
    this.badge.show(null);
    this.incoming.show(null, null);
    this.home.use(null);
    if (this.stay) {
      this.notices.show({ level: 'info', text });
    } else {
      this.home.showSignInProblem(text);
    }
  }

  private enterCall(calls: CallClient): CallView {
    const view = new CallView(calls);
    this.stay = { kind: 'call', leave: () => calls.hangup(), dispose: () => view.dispose() };
    document.title = `${calls.current?.name ?? ''} – ${Title}`;
    this.main.replaceChildren(view.root);
    view.focus();
    this.shortcuts.use({ m: () => view.toggleMute() });
    return view;
  }

  private leftCall(name: string, text: string): void {
    this.home.showCallOutcome(name, text);
    this.showHome();
    this.home.focusCall();
    this.announcer.say(text);
  }

  private async acceptCall(): Promise<void> {
    if (this.stay?.kind === 'room') {
      this.stay.leave();
    }
    await this.calls?.accept();
  }

  private showIncoming(call: IncomingCall | null): void {
    this.incoming.show(call, this.stay?.kind ?? null);
    if (call && !this.stay) {
      document.title = `${call.name} calls – ${Title}`;
    } else if (!this.stay) {
      document.title = Title;
    }
  }

  private showHome(): void {
    this.shortcuts.use({});
    this.stay?.dispose();
    this.stay = null;
    document.title = Title;
    this.notices.clearPassing();
    this.home.refresh();
    this.main.replaceChildren(this.home.root);
  }
}

function required(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`The page lacks #${id}.`);
  }
  return found;
}

new App(required('main')).start();
