// The live connection's socket, in a worker: messages wait here while the page draws. Rows that a map follows are read,
// kept and packed here, so that thousands of places that move cost the page a few arrays a frame. Everything else is handed
// to the page as it came.
import type { Column, Row } from '../lib/types';
import { buffers, Packer, type PackSpec } from '../map/packed';
import { Held } from './held';
import type { Ask, FromWorker, PlacesAnswer, ToWorker } from './messages';

/** A map's rows. */
interface Kept {
  ask: Ask;
  packer: Packer;
  /** The rows of a followed view; nothing for a query. */
  held: Held | null;
  rows: Row[];
  /** What the page is to be given as soon as it has drawn the last. */
  waiting: (() => PlacesAnswer) | null;
  isDrawing: boolean;
  /** The rows behind the last packing that the page was given. */
  given: Row[];
}

/** The beginning of each message under an id. */
const ADDRESSED = /^\{"id":(\d+),"event":"(\w+)"/;
const kept = new Map<number, Kept>();
let socket: WebSocket | null = null;

const tell = (message: FromWorker, hand: Transferable[] = []) => (postMessage as (message: FromWorker, hand: Transferable[]) => void)(message, hand);

function open(address: string): void {
  const opened = new WebSocket(address);
  socket?.close();
  socket = opened;
  opened.onopen = () => socket === opened && tell({ tell: 'open' });
  opened.onmessage = ({ data }: MessageEvent<string>) => socket === opened && receive(data);
  opened.onclose = () => {
    if (socket !== opened) return;
    socket = null;
    tell({ tell: 'lost' });
  };
}

function receive(text: string): void {
  const [, id, event] = ADDRESSED.exec(text.slice(0, 64)) ?? [];
  const one = id === undefined ? undefined : kept.get(Number(id));
  if (one && event === 'ended') one.held = null;
  if (!one || event === 'ended' || event === 'problem') {
    tell({ tell: 'text', text });
    return;
  }
  const message = JSON.parse(text) as Record<string, unknown>;
  if (event === 'answer') {
    const rows = message.rows as Row[];
    one.rows = rows;
    one.waiting = () => ({
      version: message.version as string,
      columns: message.schema as Column[],
      cut: message.cut as boolean,
      sql: message.sql as string,
      schema: message.in_schema as string | null,
      packed: one.packer.pack(rows),
    });
  } else {
    const held = (one.held ??= new Held());
    if (!held.apply(message)) return;
    one.waiting = () => {
      one.rows = held.list();
      const ids = held.key.length ? [...held.rows.keys()] : undefined;
      return { version: held.version, columns: held.columns, cut: false, sql: null, schema: null, packed: one.packer.pack(one.rows, ids) };
    };
  }
  give(Number(id), one);
}

/** Gives the page what waits, unless it still draws. */
function give(id: number, one: Kept): void {
  if (!one.waiting || one.isDrawing) return;
  const answer = one.waiting();
  one.waiting = null;
  one.isDrawing = true;
  one.given = one.packer.rows;
  tell({ tell: 'places', id, answer }, buffers(answer.packed));
}

function ask(id: number, request: Ask, pack: PackSpec): void {
  const one: Kept = kept.get(id) ?? { ask: request, packer: new Packer(pack), held: null, rows: [], waiting: null, isDrawing: false, given: [] };
  kept.set(id, one);
  const resume = one.held?.version ? { resume_from: one.held.version } : {};
  send(JSON.stringify({ ...request, ...resume, id }));
}

function send(text: string): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(text);
}

onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.do) {
    case 'open':
      open(data.address);
      break;
    case 'leave': {
      const open = socket;
      socket = null;
      open?.close();
      break;
    }
    case 'send':
      send(data.text);
      break;
    case 'ask':
      ask(data.id, data.ask, data.pack);
      break;
    case 'drop':
      kept.delete(data.id);
      send(JSON.stringify({ op: 'close', id: data.id }));
      break;
    case 'next': {
      const one = kept.get(data.id);
      if (!one) break;
      one.isDrawing = false;
      give(data.id, one);
      break;
    }
    case 'rows': {
      const one = kept.get(data.id);
      const rows = !one ? [] : data.at === null ? one.rows : one.given.slice(data.at, data.at + 1);
      tell({ tell: 'rows', call: data.call, rows });
    }
  }
};
