// What the server wrote into the page: the dashboard and the rows of its panels, as they were.
import type { Column, Dashboard, Problem, Row, Values } from '../lib/types';

/** As the live connection sends an answer. */
export interface Sent {
  version: string;
  schema: Column[];
  rows: Row[];
  cut: boolean;
  sql: string;
  in_schema: string | null;
}

export interface Snapshot {
  app: string;
  dashboard: Dashboard;
  values: Values;
  /** When the rows were read. */
  taken: string;
  panels: Record<string, { answer: Sent } | { problem: Problem }>;
}

export const snapshot = JSON.parse(document.getElementById('published')?.textContent || 'null') as Snapshot | null;
