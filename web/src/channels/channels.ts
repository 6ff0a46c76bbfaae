import type { Api } from '../account/api';

/** A voice channel; its id is the name of its room (docs/protocols/channels.md). */
export interface Channel {
  id: string;
  name: string;
}

/** The channels of the server. */
export class Channels {
  constructor(private readonly api: Api) {}

  async list(): Promise<Channel[]> {
    const answer = await this.api.request<Channel[] | { channels: Channel[] }>('GET', '/api/channels');
    return Array.isArray(answer) ? answer : answer.channels;
  }

  create(name: string): Promise<Channel> {
    return this.api.request<Channel>('POST', '/api/channels', { name });
  }
}
