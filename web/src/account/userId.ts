/** The namespace of user texts: the server's, see docs/security.md. */
const UserTexts = '5b1f6a526d0c4a5e9a3e2f6f3a8d4c11';

const Uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The user id of a username: a UUID is itself, any other text its version 5 UUID (RFC 9562 §5.5), as at every door. */
export async function userIdOf(username: string): Promise<string> {
  if (Uuid.test(username)) {
    return username.toLowerCase();
  }
  const name = new TextEncoder().encode(username);
  const input = new Uint8Array(16 + name.length);
  for (let i = 0; i < 16; i++) {
    input[i] = Number.parseInt(UserTexts.slice(2 * i, 2 * i + 2), 16);
  }
  input.set(name, 16);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-1', input)).slice(0, 16);
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
