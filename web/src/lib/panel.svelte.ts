// The data of one panel: followed while it can be seen, kept when the connection is lost.
import { ask, live, type Ask } from './live.svelte';
import type { Answer, Problem } from './types';

export class PanelData {
  answer = $state.raw<Answer | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** When the rows came, in milliseconds. */
  at = $state(0);
  #stop: (() => void) | null = null;
  #asked = '';

  /** Follows something from now on; the same request again changes nothing. */
  follow(request: Ask): void {
    const asked = JSON.stringify(request);
    if (this.#stop && asked === this.#asked) return;
    this.pause();
    this.#asked = asked;
    this.#stop = ask(request, {
      answer: (answer) => {
        this.answer = answer;
        this.problem = null;
        this.at = Date.now();
      },
      problem: (problem) => {
        this.problem = problem;
      },
    });
  }

  /** Follows nothing any more; what was seen stays. */
  pause(): void {
    this.#stop?.();
    this.#stop = null;
  }

  get stale(): boolean {
    return this.answer !== null && (live.state === 'disconnected' || live.state === 'connecting');
  }
}
