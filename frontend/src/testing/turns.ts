/** Web Locks by hand, for tabs that live in one test. */

type Work = () => Promise<void>;

interface Turn {
  tab: object;
  work: Work;
  end(): void;
}

export class Turns {
  /** By name; the first has the lock. */
  readonly #lines = new Map<string, Turn[]>();

  /** `inTurn` as one of the tabs sees it. */
  of(tab: object): (name: string, work: Work) => Promise<void> {
    return (name, work) =>
      new Promise((end) => {
        const line = this.#lines.get(name) ?? [];
        this.#lines.set(name, line);
        line.push({ tab, work, end });
        if (line.length === 1) this.#run(name);
      });
  }

  /** The tab is closed: what it has and waits for is let go. */
  close(tab: object): void {
    for (const [name, line] of this.#lines) {
      const had = line[0]?.tab === tab;
      const rest = line.filter((turn) => turn.tab !== tab);
      this.#lines.set(name, rest);
      if (had) this.#run(name);
    }
  }

  #run(name: string): void {
    const turn = this.#lines.get(name)?.[0];
    if (!turn) return;
    void turn.work().finally(() => {
      const line = this.#lines.get(name);
      if (line?.[0] !== turn) return;
      line.shift();
      turn.end();
      this.#run(name);
    });
  }
}
