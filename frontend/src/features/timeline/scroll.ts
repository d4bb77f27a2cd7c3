/**
 * Keeps the line that is being read where it is. The browser's own scroll
 * anchoring is not everywhere and knows nothing of "stay at the newest", so the
 * log switches it off and this takes its place: whatever changes the height of
 * anything (pages, edits, fonts, the window), the anchor row keeps its distance
 * from the top, to the pixel; at the newest, the end stays in view.
 */

/** This near to the end counts as being there, in px: less than a line. */
const AT_END = 8;

export class ScrollKeeper {
  /** Whether the newest line is in view. */
  atEnd = true;
  #anchor: { row: HTMLElement; key: string; top: number } | null = null;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly content: HTMLElement,
  ) {}

  /** Remembers what is being read; call after each scroll. `endless`: there is more below. */
  record(endless: boolean): void {
    const { scroller } = this;
    const below = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    this.atEnd = !endless && below <= AT_END;
    const row = this.atEnd ? null : this.#firstInView();
    this.#anchor = row && { row, key: row.dataset.key ?? '', top: this.#top(row) };
  }

  /** Puts what was being read back to its place; call after each change. */
  restore(): void {
    if (this.atEnd) {
      this.toEnd();
      return;
    }
    const anchor = this.#anchor;
    if (!anchor) return;
    const row = anchor.row.isConnected ? anchor.row : this.find(anchor.key);
    if (!row) return;
    const moved = this.#top(row) - anchor.top;
    if (moved !== 0) this.scroller.scrollTop += moved;
  }

  toEnd(): void {
    this.atEnd = true;
    this.#anchor = null;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Shows a row a little below the top, unless all that follows fits anyway. */
  toRow(row: HTMLElement): void {
    this.scroller.scrollTop += this.#top(row) - this.scroller.clientHeight * 0.2;
    this.record(false);
  }

  find(key: string): HTMLElement | null {
    for (const row of this.content.children) {
      if (row instanceof HTMLElement && row.dataset.key === key) return row;
    }
    return null;
  }

  /** The key of the row that is being read; null at the newest. */
  get reading(): string | null {
    return this.#anchor?.key ?? null;
  }

  /**
   * The first message that begins in view, else the one that fills it. Days and
   * the New line are no anchors: they move when older pages come.
   */
  #firstInView(): HTMLElement | null {
    const rows = this.content.children;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = rows[middle];
      if (row instanceof HTMLElement && this.#top(row) >= 0) high = middle;
      else low = middle + 1;
    }
    const isMessage = (row: Element | undefined): row is HTMLElement =>
      row instanceof HTMLElement && row.tagName === 'ARTICLE';
    for (let at = low; at < rows.length; at += 1) {
      const row = rows[at];
      if (isMessage(row)) return row;
    }
    for (let at = low - 1; at >= 0; at -= 1) {
      const row = rows[at];
      if (isMessage(row)) return row;
    }
    return null;
  }

  #top(row: HTMLElement): number {
    return row.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
  }
}
