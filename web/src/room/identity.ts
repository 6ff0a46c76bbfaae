const UserIdKey = 'voicecluster.userId';
const NameKey = 'voicecluster.displayName';

/** One random user a tab: two tabs are two people, a reloaded tab is the same one. */
export function userId(): string {
  const known = sessionStorage.getItem(UserIdKey);
  if (known) {
    return known;
  }
  const fresh = crypto.randomUUID();
  sessionStorage.setItem(UserIdKey, fresh);
  return fresh;
}

export function rememberedName(): string {
  return localStorage.getItem(NameKey) ?? '';
}

export function rememberName(name: string): void {
  localStorage.setItem(NameKey, name);
}

/** The room that the address names: `/?room=team`. */
export function roomOfAddress(): string {
  return new URLSearchParams(location.search).get('room')?.trim() ?? '';
}

export function showRoomInAddress(room: string): void {
  history.replaceState(null, '', `?room=${encodeURIComponent(room)}`);
}
