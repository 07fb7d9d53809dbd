// In the place of the live connection: every panel is answered once, from what is in the page.
import type { Listener } from '../lib/live.svelte';
import type { Ask } from '../live/messages';
import { snapshot } from './snapshot';

export type { Ask } from '../live/messages';

export const live = $state({ state: 'live', seconds: 0, pages: '', lag: 0, records: 0, rates: [] as number[] });

export function ask(request: Ask, listener: Listener): () => void {
  const found = request.op === 'panel' ? snapshot?.panels[request.panel] : undefined;
  const timer = setTimeout(() => {
    if (!found) return;
    if ('problem' in found) return listener.problem(found.problem);
    const { version, schema, rows, cut, sql, in_schema } = found.answer;
    listener.answer({ version, columns: schema, rows, cut, sql, schema: in_schema });
  });
  return () => clearTimeout(timer);
}
