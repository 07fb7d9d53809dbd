// The server's documents, as docs/http-api.md describes them.
import type { Packed } from '../map/packed';

export type Row = Record<string, unknown>;

export interface Column {
  name: string;
  type: string;
  nullable: boolean;
}

/** Many places: what is drawn of them is here, their rows are elsewhere. */
export interface Places {
  packed: Packed;
  row(at: number): Promise<Row | null>;
  rows(): Promise<Row[]>;
}

/** Rows of a query or view at one version. */
export interface Answer {
  version: string;
  columns: Column[];
  rows: Row[];
  /** There were more rows than were asked for. */
  cut: boolean;
  /** The query with its parameters filled in, and the schema it ran in. */
  sql: string | null;
  schema: string | null;
  /** In the place of rows, for maps. */
  places?: Places;
}

export interface Finding {
  severity: string;
  message: string;
  line: number;
  column: number;
  length: number;
  source: string;
  hint?: string;
}

export interface Problem {
  title: string;
  detail: string;
  status: number;
  hint?: string;
  diagnostics?: Finding[];
}

export interface Page {
  name: string;
  title: string;
  description: string;
  icon: string;
  broken: boolean;
}

export interface App {
  name: string;
  title: string;
  dashboards: Page[];
}

export interface Parameter {
  name: string;
  label: string;
  kind: 'date' | 'range' | 'choice' | 'text' | 'number';
  default: string;
  placeholder: string;
  choices?: { sql: string } | { fixed: { value: string; label: string }[] };
}

export type Source = { sql: { sql: string } } | { view: { view: string; filter: string | null } } | { text: { text: string } };

export interface ColumnOptions {
  name: string;
  label?: string;
  format?: Format;
  unit?: string;
  bar?: boolean;
  link?: string;
  hidden?: boolean;
}

export type Format = 'number' | 'integer' | 'compact' | 'percent' | 'bytes' | 'duration' | 'date' | 'time' | 'text';

/** What kinds of panels may be told; each kind reads its own. */
export interface Options {
  value?: string;
  x?: string;
  y?: string[];
  series?: string;
  stacked?: boolean;
  labels?: string[];
  compare?: string;
  trend?: boolean;
  caption?: string;
  better?: 'up' | 'down';
  format?: Format;
  unit?: string;
  columns?: ColumnOptions[];
  page_size?: number;
  search?: boolean;
  key?: string | string[];
  rank?: string;
  highlight?: string;
  label?: string;
  link?: string;
  bins?: number;
  mark?: string;
  day?: string;
  text?: string;
  time?: string;
  lat?: string;
  lon?: string;
  group?: string;
  size?: string;
  draw?: 'points' | 'clusters' | 'heat' | 'regions';
  trail_seconds?: number;
  hull?: string;
  region?: string;
  shape?: string;
  center?: [number, number];
  zoom?: number;
}

export interface Panel {
  id: string;
  title: string;
  description: string;
  kind: string;
  width: number;
  height: number;
  home: boolean;
  source: Source;
  max_rows: number;
  refresh_ms: number;
  options: Options;
}

export interface Dashboard {
  name: string;
  title: string;
  description: string;
  icon: string;
  parameters: Parameter[];
  panels: Panel[];
}

export type Values = Record<string, string>;
