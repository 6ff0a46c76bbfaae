const Most = 20;

/** A room that can be recorded, and when it was first entered here. */
export interface RecordedRoom {
  id: string;
  since: string;
}

/** The rooms with recording that a user has been in. The server lists none, so the browser remembers them, newest first. */
export class RecordedRooms {
  private readonly key: string;

  constructor(user: string) {
    this.key = `voicecluster.recorded.${user}`;
  }

  list(): RecordedRoom[] {
    return JSON.parse(localStorage.getItem(this.key) ?? '[]') as RecordedRoom[];
  }

  add(id: string): void {
    const others = this.list().filter((room) => room.id !== id);
    const since = this.list().find((room) => room.id === id)?.since ?? new Date().toISOString();
    localStorage.setItem(this.key, JSON.stringify([{ id, since }, ...others].slice(0, Most)));
  }
}
