/** A request that the server refused, or that could not reach it. */
export class RequestError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
    this.name = 'RequestError';
  }

  /** True when the connection failed rather than the request. */
  get isConnection(): boolean {
    return this.code === 'NOT_CONNECTED' || this.isUnanswered;
  }

  /** True when the same may well succeed a little later: nobody answered, or the cluster was not ready for it. */
  get isPassing(): boolean {
    return this.code === 'TIMEOUT' || this.code === 'UNAVAILABLE';
  }

  /** True when it was sent and nobody knows whether it was done: it cannot simply be repeated. */
  get isUnanswered(): boolean {
    return this.code === 'UNANSWERED' || this.code === 'TIMEOUT';
  }
}

/** The failure as a sentence for people. */
export function describe(error: unknown): string {
  if (error instanceof RequestError) {
    switch (error.code) {
      case 'NOT_CONNECTED':
      case 'UNANSWERED': return 'The server cannot be reached just now.';
      case 'TIMEOUT': return 'The server took too long to answer.';
      case 'UNAUTHENTICATED': return 'This server asks who you are. Sign in first.';
      case 'FORBIDDEN': return 'You are not allowed to do that in this room.';
      default: return error.message;
    }
  }
  return error instanceof Error ? error.message : String(error);
}
