// What draws each kind of panel. Heavy ones are loaded when a page has one.
import type { Component } from 'svelte';
import type { Answer, Options, Panel, Values } from '../lib/types';

export interface Drawn {
  panel: Panel;
  options: Options;
  answer: Answer;
  app: string;
  values: Values;
  /** Pixels that there are for the drawing. */
  height: number;
}

type Loader = () => Promise<{ default: Component<Drawn> }>;

const chart: Loader = () => import('./ChartPanel.svelte');

export const kinds: Record<string, Loader> = {
  number: () => import('./NumberPanel.svelte'),
  table: () => import('./TablePanel.svelte'),
  leaderboard: () => import('./LeaderboardPanel.svelte'),
  line: chart,
  area: chart,
  column: chart,
  bar: () => import('./BarPanel.svelte'),
  pie: () => import('./PiePanel.svelte'),
  histogram: () => import('./HistogramPanel.svelte'),
  calendar: () => import('./CalendarPanel.svelte'),
  feed: () => import('./FeedPanel.svelte'),
  map: () => import('./MapPanel.svelte'),
};
