/** A request that the server refused, or that could not reach it. */
export class RequestError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
    this.name = 'RequestError';
  }

  /** True when the connection failed rather than the request. */
  get isConnection(): boolean {
    return this.code === 'UNAVAILABLE' || this.isUnanswered;
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
      case 'UNAVAILABLE':
      case 'UNANSWERED': return 'The server cannot be reached just now.';
      case 'TIMEOUT': return 'The server took too long to answer.';
      case 'UNAUTHENTICATED': return 'This server asks who you are. Sign in first.';
      case 'FORBIDDEN': return 'You are not allowed to do that in this room.';
      default: return error.message;
    }
  }
  return error instanceof Error ? error.message : String(error);
}
