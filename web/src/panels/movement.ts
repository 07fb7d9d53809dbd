// Who moved up or down within the last minute. Ranks are remembered here; the server knows only the current ones.
const WINDOW_MS = 60_000;

export class Movement {
  #seen = new Map<string, { at: number; rank: number }[]>();

  /** Takes the ranks of now. */
  note(ranks: Map<string, number>, now = Date.now()): void {
    for (const [key, rank] of ranks) {
      const seen = this.#seen.get(key) ?? [];
      if (seen.at(-1)?.rank !== rank) seen.push({ at: now, rank });
      // The last one before the window says where the window began.
      while (seen.length > 1 && seen[1]!.at < now - WINDOW_MS) seen.shift();
      this.#seen.set(key, seen);
    }
    for (const key of this.#seen.keys()) if (!ranks.has(key)) this.#seen.delete(key);
  }

  /** Places won within the window, negative for lost. */
  of(key: string): number {
    const seen = this.#seen.get(key);
    return seen ? seen[0]!.rank - seen.at(-1)!.rank : 0;
  }

  forget(): void {
    this.#seen.clear();
  }
}
