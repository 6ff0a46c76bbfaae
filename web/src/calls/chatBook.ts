import { ApiError, type Api } from '../account/api';
import type { Call } from './protocol';

/** Which chat the user shares with whom. The server lists no chats, so the browser remembers those that it made. */
export class ChatBook {
  constructor(private readonly api: Api, private readonly userId: string) {}

  /** Calls somebody out of the chat with them, which is made when there is none. */
  async start(recipientId: string): Promise<Call> {
    const key = `voicecluster.chat.${this.userId}.${recipientId}`;
    const known = localStorage.getItem(key);
    if (known) {
      try {
        return await this.call(known, recipientId);
      } catch (error) {
        // A server with another store does not know the chat.
        if (!(error instanceof ApiError && (error.code === 'NOT_A_MEMBER' || error.status === 404))) {
          throw error;
        }
      }
    }
    const chat = await this.api.request<{ id: string }>('POST', '/api/v1/chats', { member_ids: [recipientId] });
    localStorage.setItem(key, chat.id);
    return this.call(chat.id, recipientId);
  }

  private call(chatId: string, recipientId: string): Promise<Call> {
    return this.api.request<Call>('POST', '/api/v1/calls', { chat_id: chatId, recipient_id: recipientId, call_type: 'voice' });
  }
}
