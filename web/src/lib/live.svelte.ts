// The live connection: one WebSocket for everything that is shown. It comes back by itself, asks again for what is still
// wanted, and hands answers on at most once a frame. While the tab is hidden it is closed.
import type { Answer, Column, Problem, Row, Values } from './types';

export type Ask =
  | { op: 'query'; sql: string; schema?: string | null; max_rows?: number; every_ms?: number }
  | { op: 'view'; view: string; where?: string }
  | { op: 'panel'; app: string; dashboard: string; panel: string; values: Values }
  | { op: 'preview'; app: string; text: string; panel: string; values: Values }
  | { op: 'choices'; app: string; dashboard: string; parameter: string; values: Values };

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

/** Rows of a followed view, by their keys; without a key a bag. */
class Held {
  columns: Column[] = [];
  key: string[] = [];
  version = '';
  /** Equal rows of a bag stand together; a key has one row. */
  rows = new Map<string, Row[]>();

  id(row: Row): string {
    if (this.key.length === 1) return String(row[this.key[0]!]);
    return this.key.length ? JSON.stringify(this.key.map((name) => row[name])) : JSON.stringify(row);
  }

  clear(): void {
    this.rows.clear();
  }

  add(rows: Row[]): void {
    for (const row of rows) {
      const id = this.id(row);
      const held = this.rows.get(id);
      if (held && !this.key.length) held.push(row);
      else this.rows.set(id, [row]);
    }
  }

  remove(rows: Row[]): void {
    for (const row of rows) {
      const id = this.id(row);
      const held = this.rows.get(id);
      if (held && held.length > 1) held.pop();
      else this.rows.delete(id);
    }
  }

  answer(): Answer {
    const rows: Row[] = [];
    for (const equal of this.rows.values()) for (const row of equal) rows.push(row);
    return { version: this.version, columns: this.columns, rows, cut: false, sql: null, schema: null };
  }
}

interface Subscription {
  ask: Ask;
  listener: Listener;
  held: Held | null;
}

const subscriptions = new Map<number, Subscription>();
const waiting = new Map<number, Answer | Problem>();
/** Followed views with changes that were not handed on yet: however many there were, their rows are listed once a frame. */
const changed = new Map<number, Held>();
let nextId = 1;
let socket: WebSocket | null = null;
let retryMs = RETRY_FIRST_MS;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
let frame = 0;
let lastBeat = performance.now();
let behindMs = 0;
let previous: { at: number; records: number } | null = null;

/** Follows something; the function given back ends it. */
export function ask(request: Ask, listener: Listener): () => void {
  const id = nextId++;
  subscriptions.set(id, { ask: request, listener, held: null });
  send(id);
  return () => {
    subscriptions.delete(id);
    waiting.delete(id);
    changed.delete(id);
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ op: 'close', id }));
  };
}

function send(id: number): void {
  const subscription = subscriptions.get(id);
  if (!subscription || socket?.readyState !== WebSocket.OPEN) return;
  const resume = subscription.held?.version ? { resume_from: subscription.held.version } : {};
  socket.send(JSON.stringify({ ...subscription.ask, ...resume, id }));
}

function connect(): void {
  clearTimeout(retryTimer);
  if (document.hidden && previous) return;
  const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/live`);
  socket = opened;
  opened.onopen = () => {
    retryMs = RETRY_FIRST_MS;
    lastBeat = performance.now();
    for (const id of subscriptions.keys()) send(id);
  };
  opened.onmessage = (message: MessageEvent<string>) => {
    if (socket === opened) receive(JSON.parse(message.data) as Record<string, unknown>);
  };
  opened.onclose = () => {
    if (socket !== opened) return;
    socket = null;
    previous = null;
    judge();
    retryTimer = setTimeout(connect, retryMs * (0.75 + Math.random() / 2));
    retryMs = Math.min(RETRY_MOST_MS, retryMs * 2);
  };
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
      if (!change(subscription, message)) return;
      changed.set(id, subscription.held!);
  }
  frame ||= requestAnimationFrame(handOn);
}

/** Applies an event of a followed view; true when its version is complete. */
function change(subscription: Subscription, message: Record<string, unknown>): boolean {
  const held = (subscription.held ??= new Held());
  if (message.event === 'snapshot') {
    held.clear();
    held.key = message.key as string[];
    held.columns = message.schema as Column[];
  }
  if (message.event === 'changes') {
    held.remove(message.removed as Row[]);
    held.add(message.added as Row[]);
  } else {
    held.add(message.rows as Row[]);
  }
  // A version that is not complete cannot be gone on from.
  held.version = message.more ? '' : (message.version as string);
  return !message.more;
}

function handOn(): void {
  frame = 0;
  for (const [id, held] of changed) waiting.set(id, held.answer());
  changed.clear();
  const now = [...waiting];
  waiting.clear();
  for (const [id, what] of now) {
    const listener = subscriptions.get(id)?.listener;
    if ('rows' in what) listener?.answer(what);
    else listener?.problem(what);
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
  const lost = socket?.readyState !== WebSocket.OPEN || silent > SILENCE_MS;
  if (lost && live.state === 'connecting' && silent < SILENCE_MS) return;
  live.state = lost ? 'disconnected' : previous === null ? 'connecting' : behindMs > BEHIND_MS ? 'behind' : 'live';
  live.seconds = Math.round((lost ? silent : behindMs) / 1000);
}

setInterval(judge, 1000);

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => {
      const open = socket;
      socket = null;
      open?.close();
    }, HIDDEN_MS);
  } else if (!socket) {
    retryMs = RETRY_FIRST_MS;
    connect();
  }
});

connect();
