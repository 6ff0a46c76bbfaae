import { Api, ApiError } from './api';

const SessionKey = 'voicecluster.session';

/** Someone who is signed in, in this tab: two tabs may be two people. */
export interface Session {
  readonly token: string;
  readonly userId: string;
  readonly username: string;
  readonly expiresAt: number;
}

/** Signs in with a development token; the message of a refusal is for people. */
export async function signIn(username: string): Promise<Session> {
  try {
    const answer = await new Api(null).request<{ token: string; user_id: string; expires_at: string }>('POST', '/api/v1/auth/token', { username });
    const session = { token: answer.token, userId: answer.user_id, username, expiresAt: Date.parse(answer.expires_at) };
    sessionStorage.setItem(SessionKey, JSON.stringify(session));
    return session;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      throw new ApiError(404, error.code, 'This server gives no tokens for a name. Ask its operator how to sign in.');
    }
    throw error;
  }
}

/** Who was signed in before the page was reloaded, unless the token has ended. */
export function rememberedSession(): Session | null {
  const text = sessionStorage.getItem(SessionKey);
  if (!text) {
    return null;
  }
  const session = JSON.parse(text) as Session;
  return session.expiresAt > Date.now() ? session : null;
}

export function forgetSession(): void {
  sessionStorage.removeItem(SessionKey);
}
