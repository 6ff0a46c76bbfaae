/** An answer of the server that is no success. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly callId: string | null = null) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Bytes of one part of a download. */
const PartBytes = 1024 * 1024;
/** A part that is lost so often in a row ends the download. */
const PartAttempts = 4;

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

  /** A file of so many bytes, by ranges (RFC 9110 §14). Parts that arrive are kept; one that does not is asked for again. */
  async download(path: string, size: number, type: string, onProgress: (share: number) => void): Promise<Blob> {
    const parts: Blob[] = [];
    for (let at = 0; at < size;) {
      const part = await this.part(path, at, Math.min(size, at + PartBytes) - 1);
      parts.push(part);
      at += part.size;
      onProgress(at / size);
    }
    return new Blob(parts, { type });
  }

  private async part(path: string, first: number, last: number): Promise<Blob> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(path, {
          headers: { ...this.token ? { 'Authorization': `Bearer ${this.token}` } : {}, 'Range': `bytes=${first}-${last}` },
        });
        if (response.status !== 206) {
          throw errorOf(response.status, await response.json().catch(() => null));
        }
        const part = await response.blob();
        if (part.size > 0) {
          return part;
        }
      } catch (error) {
        // What the server says counts, unless it says that it cannot just now.
        if (error instanceof ApiError && error.status !== 503) {
          throw error;
        }
      }
      if (attempt === PartAttempts) {
        throw new ApiError(0, 'UNREACHABLE', 'The server cannot be reached just now.');
      }
      await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
    }
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
