// Places as columns of numbers: cheap to hand from the worker to the page, and to draw many times a second. The worker of
// the live connection packs what is followed there; the page packs what it has as rows.
import type { Options, Panel, Row } from '../lib/types';

/** Which columns of the rows matter. */
export interface PackSpec {
  lat: string;
  lon: string;
  group?: string;
  size?: string;
  /** The name of a place; packed only with a size, when it stands below a sign. */
  label?: string;
  /** The columns that say which thing a row is about; nothing: those of the view, or the row's place. */
  key?: string[];
}

export interface Packed {
  count: number;
  /** Metres of Web Mercator. */
  x: Float64Array;
  y: Float64Array;
  /** Places in `groups`, the last one at most. */
  group: Uint8Array;
  /** The size column, NaN where it has no number; empty without such a column. */
  size: Float32Array;
  /** A number that stays with a thing from one packing to the next, while `epoch` does. */
  slot: Uint32Array;
  slots: number;
  epoch: number;
  groups: string[];
  /** The label column with a size, else empty. */
  names: string[];
  /** Rows without a place, which are not among the others. */
  nowhere: number;
}

/** Groups beyond are one, "Other". */
export const MOST_GROUPS = 6;
const EARTH = 6_378_137;
/** Where the map ends. */
const MOST_LATITUDE = 85;

export const mercatorX = (lon: number) => (EARTH * lon * Math.PI) / 180;
export const mercatorY = (lat: number) => EARTH * Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));

const number = (value: unknown) => (typeof value === 'number' ? value : value === null || value === undefined || value === '' ? NaN : Number(value));

/** What to pack for a panel; nothing when it draws rows one by one. */
export function packSpec(kind: string, options: Options): PackSpec | undefined {
  const { draw = 'points', lat, lon, group, size, label, key, hull } = options;
  if (kind !== 'map' || draw === 'regions' || hull || !lat || !lon) return undefined;
  return { lat, lon, group, size, label, key: key === undefined ? undefined : [key].flat() };
}

/** Packs rows again and again, and remembers which thing has which slot. */
export class Packer {
  #slots = new Map<string, number>();
  #epoch = 0;
  /** The rows of the last packing, in its order. */
  rows: Row[] = [];

  constructor(readonly spec: PackSpec) {}

  /** `ids` name the things that rows are about, when the key's columns do not. */
  pack(rows: Row[], ids?: string[]): Packed {
    const { lat, lon, group, size, label } = this.spec;
    // Things that left keep their slots; too many of those are forgotten all at once.
    if (this.#slots.size > 1000 + 4 * rows.length) {
      this.#slots.clear();
      this.#epoch++;
    }
    const groups = group ? groupNames(rows, group) : [];
    const places = new Map(groups.map((name, at) => [name, at]));
    const last = Math.max(0, groups.length - 1);
    const packed: Packed = {
      count: 0,
      x: new Float64Array(rows.length),
      y: new Float64Array(rows.length),
      group: new Uint8Array(rows.length),
      size: new Float32Array(size ? rows.length : 0),
      slot: new Uint32Array(rows.length),
      slots: 0,
      epoch: this.#epoch,
      groups,
      names: [],
      nowhere: 0,
    };
    this.rows = [];
    rows.forEach((row, index) => {
      const [north, east] = [number(row[lat]), number(row[lon])];
      // (0, 0) is what is written where the place is not known. NaN compares as false.
      if (!(Math.abs(north) <= MOST_LATITUDE && Math.abs(east) <= 180) || (north === 0 && east === 0)) {
        packed.nowhere++;
        return;
      }
      const at = packed.count++;
      packed.x[at] = mercatorX(east);
      packed.y[at] = mercatorY(north);
      packed.group[at] = group ? (places.get(String(row[group] ?? '–')) ?? last) : 0;
      if (size) packed.size[at] = number(row[size]);
      if (size && label) packed.names.push(String(row[label] ?? ''));
      packed.slot[at] = this.#slot(this.#id(row, index, ids));
      this.rows.push(row);
    });
    packed.slots = this.#slots.size;
    return packed;
  }

  #id(row: Row, index: number, ids?: string[]): string {
    const { key } = this.spec;
    if (key?.length === 1) return String(row[key[0]!]);
    if (key?.length) return JSON.stringify(key.map((name) => row[name]));
    return ids?.[index] ?? String(index);
  }

  #slot(id: string): number {
    let slot = this.#slots.get(id);
    if (slot === undefined) this.#slots.set(id, (slot = this.#slots.size));
    return slot;
  }
}

/** A group keeps its colour and shape, whichever rows come first. */
function groupNames(rows: Row[], column: string): string[] {
  const seen = new Set<string>();
  for (const row of rows) seen.add(String(row[column] ?? '–'));
  const names = [...seen].sort();
  return names.length > MOST_GROUPS ? [...names.slice(0, MOST_GROUPS - 1), 'Other'] : names;
}

/** The buffers to hand over rather than copy. */
export const buffers = ({ x, y, group, size, slot }: Packed): ArrayBuffer[] => [x, y, group, size, slot].map((column) => column.buffer as ArrayBuffer);
