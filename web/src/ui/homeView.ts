import { Api } from '../account/api';
import type { CallClient } from '../calls/callClient';
import { Channels, type Channel } from '../channels/channels';
import { Chats } from '../chats/chats';
import { SignInCard } from './accountView';
import { CallCard } from './callCard';
import { ChannelCard } from './channelCard';
import { ChatCard } from './chatCard';
import { element } from './dom';
import { JoinView, type JoinWish } from './joinView';
import { RecordedRoomCard } from './recordedRoomCard';

export interface HomeWishes {
  join: (wish: JoinWish) => void;
  joinChannel: (channel: Channel) => void;
  joinRecorded: (room: string) => void;
  signIn: (username: string) => Promise<void>;
}

/** The first page: rooms for everybody; calls and channels for those who are signed in. */
export class HomeView {
  readonly root = element('div', { className: 'home' });
  readonly join: JoinView;
  private readonly signIn: SignInCard;
  private callCard: CallCard | null = null;
  private channelCard: ChannelCard | null = null;
  private recordedCard: RecordedRoomCard | null = null;
  private chats: Chats | null = null;

  constructor(private readonly wishes: HomeWishes) {
    this.join = new JoinView(wishes.join);
    this.signIn = new SignInCard(wishes.signIn);
    this.root.append(this.join.root, this.signIn.root);
  }

  /** Shows what the user may do: calls and channels with a session, the way to one without. */
  use(calls: CallClient | null): void {
    this.chats?.close();
    this.chats = null;
    if (!calls) {
      this.callCard = this.channelCard = this.recordedCard = null;
      this.root.replaceChildren(this.join.root, this.signIn.root);
      return;
    }
    this.callCard = new CallCard(calls);
    const api = new Api(calls.session.token);
    this.channelCard = new ChannelCard(new Channels(api), this.wishes.joinChannel);
    this.recordedCard = new RecordedRoomCard(calls.session, this.wishes.joinRecorded);
    this.chats = new Chats(api, calls.session);
    this.chats.open();
    this.root.replaceChildren(
      element('div', { className: 'stack' }, this.join.root, new ChatCard(this.chats).root),
      element('div', { className: 'stack' }, this.callCard.root, this.recordedCard.root, this.channelCard.root));
    this.refresh();
  }

  /** The page is shown again: others may have made channels. */
  refresh(): void {
    void this.channelCard?.load();
    this.recordedCard?.refresh();
  }

  showReach(): void {
    this.callCard?.showReach();
  }

  showCallOutcome(name: string, text: string): void {
    this.callCard?.fill(name);
    this.callCard?.showOutcome(text);
  }

  showSignInProblem(text: string): void {
    this.signIn.showProblem(text);
    this.signIn.focus();
  }

  focusCall(): void {
    (this.callCard ?? this.join).focus();
  }
}
