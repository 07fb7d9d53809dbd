// The data of one panel: followed while it can be seen, kept when the connection is lost.
import { Refused, runSql } from './api';
import { catalog, loadCatalog } from './catalog.svelte';
import { ask, live, type Ask } from './live.svelte';
import { asIfThen } from './past';
import type { PackSpec } from '../map/packed';
import type { Answer, Problem, Source } from './types';

export class PanelData {
  answer = $state.raw<Answer | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** When the rows came, in milliseconds. */
  at = $state(0);
  #stop: (() => void) | null = null;
  #asked = '';

  /** Follows something from now on; the same request again changes nothing. */
  follow(request: Ask, pack?: PackSpec): void {
    const asked = JSON.stringify([request, pack]);
    if (asked === this.#asked) return;
    this.pause();
    this.#asked = asked;
    const listener = {
      answer: (answer: Answer) => {
        this.answer = answer;
        this.problem = null;
        this.at = Date.now();
      },
      problem: (problem: Problem) => {
        this.problem = problem;
      },
    };
    this.#stop = ask(request, listener, pack);
  }

  /** Reads once what the request was at a point of the past, `now()` included. */
  readPast(request: Ask, source: Source, point: string, maxRows: number): void {
    const asked = JSON.stringify([request, point]);
    if (this.#asked === asked) return;
    this.pause();
    this.#asked = asked;
    this.answer = null;
    const isWanted = () => this.#asked === asked;
    const read = async (sql: string, schema: string | null) => {
      try {
        if (!catalog.loaded) await loadCatalog();
        const outcome = await runSql(asIfThen(sql, point, catalog.relations, schema ?? ''), schema);
        if (!isWanted() || !('answer' in outcome)) return;
        const { rows } = outcome.answer;
        this.answer = { ...outcome.answer, rows: rows.slice(0, maxRows), cut: rows.length > maxRows };
        this.problem = null;
        this.at = Date.now();
      } catch (error) {
        if (isWanted()) this.problem = error instanceof Refused ? error.problem : { title: 'Not read', detail: String(error), status: 0 };
      }
    };
    if ('view' in source) {
      const { view, filter } = source.view;
      if (filter?.includes('$')) {
        this.problem = { title: 'Not read', detail: 'this panel follows a view by what is chosen above, which has no past here', status: 0, hint: 'look at it as of now' };
      } else void read(`SELECT * FROM ${view}${filter ? ` WHERE ${filter}` : ''}`, request.op === 'panel' ? request.app : null);
      return;
    }
    // The server fills in parameters; its first answer says how.
    this.#stop = ask(request, {
      answer: ({ sql, schema }) => {
        this.pause();
        this.#asked = asked;
        if (sql) void read(sql, schema);
      },
      problem: (problem) => (this.problem = problem),
    });
  }

  /** Follows nothing any more; what was seen stays. */
  pause(): void {
    this.#stop?.();
    this.#stop = null;
    this.#asked = '';
  }

  get stale(): boolean {
    return this.answer !== null && (live.state === 'disconnected' || live.state === 'connecting');
  }
}
