// Areas coloured by a number: countries of the base map, or shapes that rows bring as GeoJSON; and hulls of clusters.
import Feature from 'ol/Feature';
import GeoJSON from 'ol/format/GeoJSON';
import type Geometry from 'ol/geom/Geometry';
import VectorLayer from 'ol/layer/Vector';
import VectorSource from 'ol/source/Vector';
import Fill from 'ol/style/Fill';
import Stroke from 'ol/style/Stroke';
import Style from 'ol/style/Style';
import { asNumber } from '../lib/format';
import { colour, translucent } from '../lib/theme.svelte';
import type { Options, Row } from '../lib/types';
import { countryFinder } from './countries';
import { countries } from './ground';
import { signColour } from './signs';

/** Steps of colour, from few to many; the palest of all would be lost on the ground. */
export const STEPS = ['--q1', '--q2', '--q3', '--q4', '--q5', '--q6'];
const format = new GeoJSON();

/** The lower bounds of steps with about equally many values each; fewer when values repeat. */
export function stepBounds(values: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const bounds = STEPS.map((_, step) => sorted[Math.floor((step * sorted.length) / STEPS.length)]!);
  return sorted.length ? [...new Set(bounds)] : [];
}

/** The step of a value; few steps are spread over all colours. */
export function stepOf(value: number, bounds: number[]): number {
  const at = bounds.findLastIndex((bound) => value >= bound);
  return bounds.length > 1 ? Math.round((at * (STEPS.length - 1)) / (bounds.length - 1)) : STEPS.length - 2;
}

/** The areas of rows, and how many rows have none. */
export async function areasOf(rows: Row[], options: Options): Promise<{ areas: { row: Row; geometry: Geometry }[]; nowhere: number }> {
  const found = options.region ? await byCountry(rows, options.region) : rows.map((row) => ({ row, geometry: geometryOf(row[options.shape ?? options.hull ?? '']) }));
  const areas = found.filter((one): one is { row: Row; geometry: Geometry } => one.geometry !== null);
  return { areas, nowhere: rows.length - areas.length };
}

async function byCountry(rows: Row[], column: string): Promise<{ row: Row; geometry: Geometry | null }[]> {
  const known = await countries();
  const find = countryFinder(known);
  return rows.map((row) => ({ row, geometry: known[find(row[column])]?.geometry ?? null }));
}

/** GeoJSON as a geometry on the map: a text or an object, a geometry or a feature. */
export function geometryOf(value: unknown): Geometry | null {
  if (value === null || value === undefined || value === '') return null;
  try {
    const parsed = (typeof value === 'string' ? JSON.parse(value) : value) as { type?: string; geometry?: unknown };
    return format.readGeometry(parsed.type === 'Feature' ? parsed.geometry : parsed, { featureProjection: 'EPSG:3857' });
  } catch {
    return null;
  }
}

/** Where nothing is known: hatched, not pale. */
function hatch(): CanvasPattern | string {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const context = canvas.getContext('2d')!;
  context.fillStyle = colour('--map-land');
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = translucent('--map-line', 0.8);
  context.lineWidth = 1;
  for (const at of [-4, 4, 12]) {
    context.moveTo(at - 4, 8);
    context.lineTo(at + 4, 0);
  }
  context.stroke();
  return context.createPattern(canvas, 'repeat') ?? colour('--map-land');
}

/** A layer of areas coloured by their row's value, or for hulls by their row's group. */
export function regionsLayer(areas: { row: Row; geometry: Geometry }[], options: Options, groups: string[]): { layer: VectorLayer; bounds: number[]; retheme: () => void } {
  const values = areas.flatMap(({ row }) => asNumber(row[options.value ?? '']) ?? []);
  const bounds = stepBounds(values);
  const features = areas.map(({ row, geometry }) => new Feature({ geometry, row }));
  const layer = new VectorLayer({ source: new VectorSource({ features }), updateWhileInteracting: false });
  const isHull = options.draw === 'clusters';
  const retheme = () => {
    const line = new Stroke({ color: colour('--map-line'), width: 0.8 });
    const unknown = new Style({ fill: new Fill({ color: hatch() }), stroke: line });
    const steps = STEPS.map((token) => new Style({ fill: new Fill({ color: colour(token) }), stroke: line }));
    const hulls = Array.from({ length: Math.max(1, groups.length) }, (_, at) => {
      const token = signColour(at, groups);
      return new Style({ fill: new Fill({ color: translucent(token, 0.12) }), stroke: new Stroke({ color: translucent(token, 0.7), width: 1.2 }) });
    });
    layer.setStyle((one) => {
      const row = one.get('row') as Row;
      if (isHull) return hulls[Math.max(0, options.group ? Math.min(groups.indexOf(String(row[options.group] ?? '–')), hulls.length - 1) : 0)];
      const value = asNumber(row[options.value ?? '']);
      return value === null ? unknown : steps[stepOf(value, bounds)];
    });
  };
  retheme();
  return { layer, bounds, retheme };
}
