/** What was seen of a received video. */
export interface Sight {
  width: number;
  height: number;
  currentTime: number;
  frames: number;
  /** Milliseconds from the join to the first frame. */
  firstFrameMs: number | null;
  /** The longest time without a new frame since the last {@link Eye.forget}. */
  longestGapMs: number;
  /** The narrowest frame since then. */
  lowestWidth: number;
}

/** Watches one received video, frame by frame. */
export class Eye {
  private readonly player = document.createElement('video');
  private frames = 0;
  private firstFrameAt: number | null = null;
  private lastFrameAt: number | null = null;
  private longestGapMs = 0;
  private lowestWidth = Infinity;

  constructor(track: MediaStreamTrack, private readonly joinedAt: number) {
    this.player.muted = true;
    this.player.autoplay = true;
    this.player.playsInline = true;
    this.player.width = 160;
    this.player.srcObject = new MediaStream([track]);
    document.body.append(this.player);
    void this.player.play();
    this.next();
  }

  sight(): Sight {
    const now = performance.now();
    return {
      width: this.player.videoWidth,
      height: this.player.videoHeight,
      currentTime: this.player.currentTime,
      frames: this.frames,
      firstFrameMs: this.firstFrameAt === null ? null : Math.round(this.firstFrameAt - this.joinedAt),
      longestGapMs: Math.round(Math.max(this.longestGapMs, this.lastFrameAt === null ? 0 : now - this.lastFrameAt)),
      lowestWidth: this.lowestWidth === Infinity ? 0 : this.lowestWidth,
    };
  }

  forget(): void {
    this.longestGapMs = 0;
    this.lowestWidth = Infinity;
    this.lastFrameAt = performance.now();
  }

  close(): void {
    this.player.srcObject = null;
    this.player.remove();
  }

  private next(): void {
    this.player.requestVideoFrameCallback((now, { width }) => {
      this.frames++;
      this.lowestWidth = Math.min(this.lowestWidth, width);
      this.firstFrameAt ??= now;
      if (this.lastFrameAt !== null) {
        this.longestGapMs = Math.max(this.longestGapMs, now - this.lastFrameAt);
      }
      this.lastFrameAt = now;
      this.next();
    });
  }
}
