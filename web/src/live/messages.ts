// What the page and the worker of the live connection tell each other.
import type { Column, Row, Values } from '../lib/types';
import type { Packed, PackSpec } from '../map/packed';

/** What the server is asked; docs/http-api.md describes it. */
export type Ask =
  | { op: 'query'; sql: string; schema?: string | null; max_rows?: number; every_ms?: number }
  | { op: 'view'; view: string; where?: string }
  | { op: 'panel'; app: string; dashboard: string; panel: string; values: Values }
  | { op: 'preview'; app: string; text: string; panel: string; values: Values }
  | { op: 'choices'; app: string; dashboard: string; parameter: string; values: Values };

/** An answer whose rows stay in the worker. */
export interface PlacesAnswer {
  version: string;
  columns: Column[];
  cut: boolean;
  sql: string | null;
  schema: string | null;
  packed: Packed;
}

export type ToWorker =
  | { do: 'open'; address: string }
  | { do: 'leave' }
  | { do: 'send'; text: string }
  /** Something whose rows the worker keeps. */
  | { do: 'ask'; id: number; ask: Ask; pack: PackSpec }
  | { do: 'drop'; id: number }
  /** The page has drawn what it was given. */
  | { do: 'next'; id: number }
  /** One row of the last packing given, or all rows. */
  | { do: 'rows'; id: number; call: number; at: number | null };

export type FromWorker =
  | { tell: 'open' | 'lost' }
  /** A message of the server that the page reads itself. */
  | { tell: 'text'; text: string }
  | { tell: 'places'; id: number; answer: PlacesAnswer }
  | { tell: 'rows'; call: number; rows: Row[] };
