import { RoomClient } from './room/roomClient';
import { rememberedName, rememberName, roomOfAddress, showRoomInAddress } from './room/identity';
import { Announcer } from './ui/announcer';
import { JoinView, type JoinWish } from './ui/joinView';
import { Notices } from './ui/notices';
import { RoomView } from './ui/roomView';
import { Shortcuts } from './ui/shortcuts';

const Title = 'VoiceCluster';

/** Switches between the two views and hands what happens in the room to the page's live regions. */
class App {
  private readonly announcer = new Announcer(required('announcer'));
  private readonly notices = new Notices(required('notices'));
  private readonly shortcuts = new Shortcuts();
  private readonly joinView = new JoinView((wish) => this.join(wish));
  private client: RoomClient | null = null;
  private roomView: RoomView | null = null;

  constructor(private readonly main: HTMLElement) {
    // The others see at once that the tab is closed, instead of after the server's timeout.
    window.addEventListener('pagehide', () => this.client?.abandon());
  }

  start(): void {
    this.joinView.fill(roomOfAddress(), rememberedName());
    this.main.replaceChildren(this.joinView.root);
    this.joinView.focus();
  }

  private join({ room, name }: JoinWish): void {
    rememberName(name);
    showRoomInAddress(room);
    document.title = `${room} – ${Title}`;

    const client = new RoomClient(room, name);
    client.on('notice', (notice) => this.notices.show(notice));
    client.on('presence', (text) => this.announcer.say(text));
    client.on('ended', ({ message }) => this.showJoin(room, name, message));
    client.on('status', (status) => {
      if (status === 'joined') {
        this.notices.clearPassing();
      }
    });

    const view = new RoomView(client, this.notices);
    this.client = client;
    this.roomView = view;
    this.main.replaceChildren(view.root);
    view.focus();
    this.shortcuts.use({ m: () => view.toggleMute(), v: () => view.toggleCamera() });
    client.start();
  }

  private showJoin(room: string, name: string, problem: string | null): void {
    this.shortcuts.use({});
    this.roomView?.dispose();
    this.roomView = null;
    this.client = null;
    document.title = Title;
    this.joinView.fill(room, name);
    this.joinView.showProblem(problem);
    this.main.replaceChildren(this.joinView.root);
    this.joinView.focus();
    if (problem === null) {
      this.notices.clear();
      this.announcer.say('You left the room.');
    }
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
