// Rows of a followed view, by their keys; without a key a bag. Kept by whoever reads the changes: the page, or for maps the
// worker.
import type { Column, Row } from '../lib/types';

export class Held {
  columns: Column[] = [];
  key: string[] = [];
  version = '';
  /** Equal rows of a bag stand together; a key has one row. */
  rows = new Map<string, Row[]>();

  #id(row: Row): string {
    if (this.key.length === 1) return String(row[this.key[0]!]);
    return this.key.length ? JSON.stringify(this.key.map((name) => row[name])) : JSON.stringify(row);
  }

  /** Applies an event of a followed view; true when its version is complete. */
  apply(message: Record<string, unknown>): boolean {
    if (message.event === 'snapshot') {
      this.rows.clear();
      this.key = message.key as string[];
      this.columns = message.schema as Column[];
    }
    if (message.event === 'changes') {
      this.#change(message.removed as Row[], message.added as Row[]);
    } else {
      for (const row of message.rows as Row[]) this.#add(row);
    }
    // A version that is not complete cannot be gone on from.
    this.version = message.more ? '' : (message.version as string);
    return !message.more;
  }

  #change(removed: Row[], added: Row[]): void {
    // With a key, a row that comes takes the place of the one before, so only keys that do not come are taken out.
    if (this.key.length) {
      const coming = new Set(added.map((row) => this.#id(row)));
      for (const row of removed) {
        const id = this.#id(row);
        if (!coming.has(id)) this.rows.delete(id);
      }
    } else {
      for (const row of removed) {
        const id = this.#id(row);
        const held = this.rows.get(id);
        if (held && held.length > 1) held.pop();
        else this.rows.delete(id);
      }
    }
    for (const row of added) this.#add(row);
  }

  #add(row: Row): void {
    const id = this.#id(row);
    const held = this.rows.get(id);
    if (!held) this.rows.set(id, [row]);
    else if (this.key.length) held[0] = row;
    else held.push(row);
  }

  /** All rows, those of one key or text one after the other. */
  list(): Row[] {
    const rows: Row[] = [];
    for (const equal of this.rows.values()) for (const row of equal) rows.push(row);
    return rows;
  }
}
