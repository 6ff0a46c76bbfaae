/** An answer of the server that is no success. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly callId: string | null = null) {
    super(message);
    this.name = 'ApiError';
  }
}

/** REST with a token. An error is an {@link ApiError}, whatever went wrong. */
export class Api {
  constructor(private readonly token: string | null) {}

  async request<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        headers: {
          ...this.token ? { 'Authorization': `Bearer ${this.token}` } : {},
          ...body === undefined ? {} : { 'Content-Type': 'application/json' },
        },
        ...body === undefined ? {} : { body: JSON.stringify(body) },
      });
    } catch {
      throw new ApiError(0, 'UNREACHABLE', 'The server cannot be reached just now.');
    }
    const answer: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      throw errorOf(response.status, answer);
    }
    return answer as Answer;
  }
}

/** Doors wrap their errors differently; each has a message somewhere. */
function errorOf(status: number, answer: unknown): ApiError {
  const outer = isObject(answer) ? answer : {};
  const inner = isObject(outer['error']) ? outer['error'] : outer;
  const text = (name: string): string | null => typeof inner[name] === 'string' ? inner[name] : null;
  const callId = typeof outer['call_id'] === 'string' ? outer['call_id'] : null;
  return new ApiError(status, text('code') ?? String(status), text('message') ?? `The server answered ${status}.`, callId);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
