/** Says things to screen readers through the live region of the page. */
export class Announcer {
  constructor(private readonly region: HTMLElement) {}

  say(text: string): void {
    const line = document.createElement('p');
    line.textContent = text;
    // The region keeps the last few lines, so that two events at once are both read.
    this.region.append(line);
    while (this.region.childElementCount > 5) {
      this.region.firstElementChild?.remove();
    }
  }
}
