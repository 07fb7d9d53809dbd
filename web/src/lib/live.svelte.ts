// The live connection: one WebSocket for everything that is shown, in a worker. It comes back by itself, asks again for what
// is still wanted, and hands answers on at most once a frame. While the tab is hidden it is closed.
import { Held } from '../live/held';
import type { Ask, FromWorker, PlacesAnswer, ToWorker } from '../live/messages';
import type { PackSpec } from '../map/packed';
import type { Answer, Column, Problem, Row } from './types';

export type { Ask } from '../live/messages';

export interface Listener {
  answer(answer: Answer): void;
  problem(problem: Problem): void;
}

/** `behind`: connected, but events accepted a while ago are not shown yet. */
export type State = 'connecting' | 'live' | 'behind' | 'disconnected';

interface Beat {
  version: string;
  records: number;
  lag: number;
  behind_ms: number;
  pages: string;
}

const RETRY_FIRST_MS = 250;
const RETRY_MOST_MS = 8000;
/** The server beats every second: without a beat for so long the connection is as good as lost. */
const SILENCE_MS = 4000;
const AGAIN_MS = 2000;
const BEHIND_MS = 2000;
const HIDDEN_MS = 5000;
/** Rates shown are kept for so many seconds. */
const HISTORY = 120;

export const live = $state({
  state: 'connecting' as State,
  /** Seconds behind, or without a connection. */
  seconds: 0,
  pages: '',
  lag: 0,
  records: 0,
  /** Events accepted per second, a number for each of the last seconds. */
  rates: [] as number[],
});

interface Subscription {
  ask: Ask;
  listener: Listener;
  held: Held | null;
  /** Its rows stay in the worker. */
  pack: PackSpec | undefined;
}

const subscriptions = new Map<number, Subscription>();
const waiting = new Map<number, Answer | Problem>();
/** Followed views with changes that were not handed on yet: however many there were, their rows are listed once a frame. */
const changed = new Map<number, Held>();
let nextId = 1;
const worker = new Worker(new URL('../live/socket.worker.ts', import.meta.url), { type: 'module', name: 'live' });
const address = `${location.origin.replace(/^http/, 'ws')}/v1/live`;
let connection: 'none' | 'opening' | 'open' = 'none';
/** Rows asked of the worker. */
const calls = new Map<number, (rows: Row[]) => void>();
let nextCall = 1;
let retryMs = RETRY_FIRST_MS;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
let frame = 0;
let lastBeat = performance.now();
let behindMs = 0;
let previous: { at: number; records: number } | null = null;

const tell = (message: ToWorker) => worker.postMessage(message);

/** Follows something; the function given back ends it. With `pack`, an answer's rows stay in the worker. */
export function ask(request: Ask, listener: Listener, pack?: PackSpec): () => void {
  const id = nextId++;
  subscriptions.set(id, { ask: request, listener, held: null, pack });
  send(id);
  return () => {
    subscriptions.delete(id);
    waiting.delete(id);
    changed.delete(id);
    tell(pack ? { do: 'drop', id } : { do: 'send', text: JSON.stringify({ op: 'close', id }) });
  };
}

function send(id: number): void {
  const subscription = subscriptions.get(id);
  if (!subscription || connection !== 'open') return;
  const { ask, pack, held } = subscription;
  const resume = held?.version ? { resume_from: held.version } : {};
  tell(pack ? { do: 'ask', id, ask: $state.snapshot(ask), pack } : { do: 'send', text: JSON.stringify({ ...ask, ...resume, id }) });
}

function connect(): void {
  clearTimeout(retryTimer);
  if (document.hidden && previous) return;
  connection = 'opening';
  tell({ do: 'open', address });
}

function leave(): void {
  connection = 'none';
  tell({ do: 'leave' });
}

worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
  switch (data.tell) {
    case 'open':
      connection = 'open';
      retryMs = RETRY_FIRST_MS;
      lastBeat = performance.now();
      for (const id of subscriptions.keys()) send(id);
      break;
    case 'lost':
      connection = 'none';
      previous = null;
      judge();
      retryTimer = setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
      retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
      break;
    case 'text':
      receive(JSON.parse(data.text) as Record<string, unknown>);
      break;
    case 'places':
      if (!subscriptions.has(data.id)) return;
      waiting.set(data.id, withRows(data.id, data.answer));
      frame ||= requestAnimationFrame(handOn);
      break;
    case 'rows':
      calls.get(data.call)?.(data.rows);
      calls.delete(data.call);
  }
};

/** An answer that can be asked for its rows. */
function withRows(id: number, { packed, ...answer }: PlacesAnswer): Answer {
  const rows = (at: number | null) =>
    new Promise<Row[]>((resolve) => {
      const call = nextCall++;
      calls.set(call, resolve);
      tell({ do: 'rows', id, call, at });
    });
  return { ...answer, rows: [], places: { packed, row: async (at) => (await rows(at))[0] ?? null, rows: () => rows(null) } };
}

function receive(message: Record<string, unknown>): void {
  if (message.event === 'alive') {
    beat(message as unknown as Beat);
    return;
  }
  const id = message.id as number;
  const subscription = subscriptions.get(id);
  if (!subscription) return;
  switch (message.event) {
    case 'answer':
      waiting.set(id, {
        version: message.version as string,
        columns: message.schema as Column[],
        rows: message.rows as Row[],
        cut: message.cut as boolean,
        sql: message.sql as string,
        schema: message.in_schema as string | null,
      });
      break;
    case 'ended':
      // The server may be starting, or the view may come back: what is still wanted is asked for again.
      setTimeout(() => subscriptions.has(id) && send(id), AGAIN_MS);
      subscription.held = null;
      changed.delete(id);
      waiting.set(id, message as unknown as Problem);
      break;
    case 'problem':
      waiting.set(id, message as unknown as Problem);
      break;
    default:
      subscription.held ??= new Held();
      if (!subscription.held.apply(message)) return;
      changed.set(id, subscription.held);
  }
  frame ||= requestAnimationFrame(handOn);
}

function handOn(): void {
  frame = 0;
  for (const [id, held] of changed) waiting.set(id, { version: held.version, columns: held.columns, rows: held.list(), cut: false, sql: null, schema: null });
  changed.clear();
  const now = [...waiting];
  waiting.clear();
  for (const [id, what] of now) {
    const listener = subscriptions.get(id)?.listener;
    if ('rows' in what) listener?.answer(what);
    else listener?.problem(what);
    if (subscriptions.get(id)?.pack) tell({ do: 'next', id });
  }
}

function beat(message: Beat): void {
  const at = performance.now();
  if (previous) {
    const rate = Math.max(0, ((message.records - previous.records) * 1000) / Math.max(1, at - previous.at));
    live.rates = [...live.rates.slice(1 - HISTORY), rate];
  }
  previous = { at, records: message.records };
  lastBeat = at;
  behindMs = message.behind_ms;
  live.pages = message.pages;
  live.lag = message.lag;
  live.records = message.records;
  judge();
}

function judge(): void {
  const silent = performance.now() - lastBeat;
  const lost = connection !== 'open' || silent > SILENCE_MS;
  if (lost && live.state === 'connecting' && silent < SILENCE_MS) return;
  live.state = lost ? 'disconnected' : previous === null ? 'connecting' : behindMs > BEHIND_MS ? 'behind' : 'live';
  live.seconds = Math.round((lost ? silent : behindMs) / 1000);
}

setInterval(judge, 1000);

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(leave, HIDDEN_MS);
  } else if (connection === 'none') {
    retryMs = RETRY_FIRST_MS;
    connect();
  }
});

connect();
