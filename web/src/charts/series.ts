// From rows to what a chart draws: one axis of points, and series over it.
import { asNumber, heading, isNumber, isTime } from '../lib/format';
import { CATEGORIES } from '../lib/theme.svelte';
import type { Answer, Options, Row } from '../lib/types';

export interface Series {
  label: string;
  colour: string;
  values: (number | null)[];
}

export interface Chart {
  /** What stands on the axis: seconds for days and times, numbers, or the places of words. */
  axis: 'day' | 'time' | 'number' | 'word';
  x: number[];
  words: string[];
  series: Series[];
}

const MOST_SERIES = 6;

export function chartOf(answer: Answer, options: Options): Chart {
  const xName = options.x ?? '';
  const type = answer.columns.find((column) => column.name === xName)?.type ?? '';
  const axis = type === 'DATE' ? 'day' : isTime(type) ? 'time' : isNumber(type) ? 'number' : 'word';
  const words: string[] = [];
  const places = new Map<string, number>();
  const point = (row: Row): number | null => {
    const value = row[xName];
    if (value === null || value === undefined) return null;
    if (axis === 'day') return Date.parse(`${String(value)}T00:00:00Z`) / 1000;
    if (axis === 'time') return Date.parse(type === 'TIMESTAMPTZ' || String(value).endsWith('Z') ? String(value) : `${String(value)}Z`) / 1000;
    if (axis === 'number') return asNumber(value);
    const word = String(value);
    if (!places.has(word)) {
      places.set(word, words.length);
      words.push(word);
    }
    return places.get(word)!;
  };
  const points = answer.rows.map(point);
  const x = [...new Set(points.filter((value): value is number => value !== null))].sort((a, b) => a - b);
  const at = new Map(x.map((value, index) => [value, index]));
  const empty = () => new Array<number | null>(x.length).fill(null);
  const named = new Map<string, (number | null)[]>();
  answer.rows.forEach((row, index) => {
    const place = points[index] === null ? undefined : at.get(points[index]!);
    if (place === undefined) return;
    (options.y ?? []).forEach((y, number) => {
      const name = options.series ? String(row[options.series] ?? '–') : (options.labels?.[number] ?? heading(y));
      const values = named.get(name) ?? empty();
      named.set(name, values);
      values[place] = asNumber(row[y]);
    });
  });
  return { axis, x, words, series: coloured(named) };
}

/** At most six series; the smaller ones together are "Other". A series keeps its colour while the set stays the same. */
function coloured(named: Map<string, (number | null)[]>): Series[] {
  const all = [...named].map(([label, values]) => ({ label, values, sum: values.reduce<number>((sum, value) => sum + (value ?? 0), 0) }));
  if (all.length <= MOST_SERIES) return all.map(({ label, values }, at) => ({ label, values, colour: CATEGORIES[at]! }));
  const large = [...all].sort((a, b) => b.sum - a.sum).slice(0, MOST_SERIES - 1);
  const kept = all.filter((one) => large.includes(one));
  const rest = all.filter((one) => !large.includes(one));
  const other = kept[0]!.values.map((_, at) => rest.reduce((sum, one) => sum + (one.values[at] ?? 0), 0));
  return [...kept.map(({ label, values }, at) => ({ label, values, colour: CATEGORIES[at]! })), { label: 'Other', values: other, colour: '--faint' }];
}

/** Each series upon the one before. */
export function stacked(series: Series[]): (number | null)[][] {
  const sums: (number | null)[][] = [];
  for (const one of series) {
    const below = sums.at(-1);
    sums.push(one.values.map((value, at) => (value ?? 0) + (below?.[at] ?? 0)));
  }
  return sums;
}
