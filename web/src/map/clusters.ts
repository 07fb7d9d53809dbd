// Near points as one: how many there are, and the hull around them.
import type { Frame } from './frame';
import type { Packed } from './packed';

export interface Cluster {
  /** Metres. */
  x: number;
  y: number;
  /** Points within, or what the size column says of them. */
  size: number;
  /** Places in the packing. */
  members: number[];
}

/** Points within about so many pixels are one cluster. */
const CELL = 72;

/** Clusters for a zoom: the same for all parts of the map, so that moving it changes nothing. */
export function clustersOf(packed: Packed, frame: Frame): Cluster[] {
  // Whole steps of zoom: while it is being changed, clusters change a few times and not with every frame.
  const cell = CELL * (156_543.034 / 2 ** Math.round(frame.zoom));
  const cells = new Map<string, Cluster>();
  for (let at = 0; at < packed.count; at++) {
    const [x, y] = [packed.x[at]!, packed.y[at]!];
    const key = `${Math.floor(x / cell)} ${Math.floor(y / cell)}`;
    const weight = packed.size.length ? Math.max(0, packed.size[at]! || 0) : 1;
    const found = cells.get(key);
    if (!found) cells.set(key, { x, y, size: weight, members: [at] });
    else {
      const count = found.members.push(at);
      found.x += (x - found.x) / count;
      found.y += (y - found.y) / count;
      found.size += weight;
    }
  }
  return joined([...cells.values()], cell * 0.6);
}

/** Clusters that a border of the grid has cut in two are put together, the largest first. */
function joined(clusters: Cluster[], near: number): Cluster[] {
  const kept: Cluster[] = [];
  for (const one of clusters.sort((a, b) => b.members.length - a.members.length)) {
    const host = kept.find((other) => Math.hypot(other.x - one.x, other.y - one.y) < near);
    if (!host) {
      kept.push(one);
      continue;
    }
    const all = host.members.length + one.members.length;
    host.x += ((one.x - host.x) * one.members.length) / all;
    host.y += ((one.y - host.y) * one.members.length) / all;
    host.size += one.size;
    host.members.push(...one.members);
  }
  return kept;
}

/** The convex hull of points, without the first again at the end (Andrew, 1979). */
export function hull(points: [number, number][]): [number, number][] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (points: [number, number][]) => {
    const chain: [number, number][] = [];
    for (const point of points) {
      while (chain.length > 1 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

const turn = (a: [number, number], b: [number, number], c: [number, number]) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
