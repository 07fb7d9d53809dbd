// One map: the ground drawn by OpenLayers, and above it canvases of our own, so that places that move never make the ground
// be drawn again. Knows what is where; the panel around it knows rows and readers.
import OlMap from 'ol/Map';
import View from 'ol/View';
import { boundingExtent, createEmpty, extend, getCenter, isEmpty, type Extent } from 'ol/extent';
import { defaults } from 'ol/interaction/defaults';
import type VectorLayer from 'ol/layer/Vector';
import { fromLonLat } from 'ol/proj';
import { compact } from '../lib/format';
import { colour } from '../lib/theme.svelte';
import type { Options, Row } from '../lib/types';
import { drawBubbles, type Bubble, type Look } from './bubbles';
import { clustersOf, hull, type Cluster } from './clusters';
import { Dots } from './dots';
import { cleared, frameOf, toX, toY, type Frame } from './frame';
import { ground, type Ground } from './ground';
import { drawHeat } from './heat';
import { MOST_GROUPS, type Packed } from './packed';
import { STEPS } from './regions';
import { signColour } from './signs';
import { Trails } from './trails';

/** Something on the map that a reader may mean. */
export type Hit = { kind: 'point'; slot: number; x: number; y: number } | { kind: 'cluster'; cluster: Cluster; x: number; y: number } | { kind: 'area'; row: Row; x: number; y: number };

/** Signs nearer to the mouse than this are meant, in pixels. */
const REACH = 14;
const [SMALLEST, LARGEST] = [5, 24];

export class Scene {
  readonly map: OlMap;
  #dots: Dots;
  #trails: Trails | null;
  #heat: HTMLCanvasElement;
  #bubbles: HTMLCanvasElement;
  #ground: Ground | undefined;
  #areas: { layer: VectorLayer; retheme: () => void } | undefined;
  #packed: Packed | null = null;
  #look: Look = { colours: [], halo: '', text: '', font: '' };
  #ramp: [number, number, number][] = [];
  #clusters: Cluster[] = [];
  #clustersFor = '';
  #edition = 0;
  #force = true;
  #fading: ReturnType<typeof setInterval> | undefined;

  /** `drawn` is told after each drawing. */
  constructor(
    readonly element: HTMLElement,
    readonly options: Options,
    readonly drawn: () => void,
  ) {
    this.map = new OlMap({
      target: element,
      layers: [],
      controls: [],
      interactions: defaults({ altShiftDragRotate: false, pinchRotate: false, onFocusOnly: false }),
      view: new View({ center: fromLonLat(options.center ?? [0, 25]), zoom: options.zoom ?? 1.6, minZoom: 0, maxZoom: 17, enableRotation: false }),
    });
    const viewport = this.map.getViewport();
    const canvas = (name: string) => {
      const made = document.createElement('canvas');
      made.className = `own ${name}`;
      viewport?.insertBefore(made, viewport.querySelector('.ol-overlaycontainer-stopevent'));
      return made;
    };
    this.#heat = canvas('heat');
    this.#trails = options.trail_seconds ? new Trails(canvas('trails'), options.trail_seconds) : null;
    this.#bubbles = canvas('bubbles');
    this.#dots = new Dots(canvas('points'));
    this.map.on('postrender', () => this.draw());
    void ground(this.map, options.draw !== 'clusters' && options.draw !== 'regions' && !options.size).then((loaded) => {
      this.#ground = loaded;
      this.map.once('rendercomplete', () => (element.dataset.ready = ''));
    });
    this.retheme();
    // Trails fade when nothing moves, too.
    if (this.#trails) this.#fading = setInterval(() => this.draw(), 1000);
  }

  /** Reads the theme's colours again. */
  retheme(): void {
    this.#recolour();
    this.#ground?.retheme();
    this.#areas?.retheme();
    this.#ramp = STEPS.map((token) => (colour(token).match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) * (colour(token).startsWith('color(') ? 255 : 1)) as [number, number, number]);
    this.#force = true;
    this.draw();
  }

  #recolour(): void {
    const groups = this.#packed?.groups ?? [];
    const colours = Array.from({ length: MOST_GROUPS }, (_, at) => colour(signColour(at, groups)));
    this.#look = { colours, halo: colour('--map-land'), text: colour('--text'), font: "'Inter Variable', sans-serif" };
  }

  /** Shows other places. */
  show(packed: Packed): void {
    const others = packed.groups.join('\n') !== this.#packed?.groups.join('\n');
    this.#packed = packed;
    if (others) this.#recolour();
    this.#edition++;
    this.#trails?.note(packed, performance.now());
    this.#force ||= others;
    this.draw();
  }

  /** Shows other areas below the signs. */
  showAreas(areas: { layer: VectorLayer; retheme: () => void } | undefined): void {
    if (this.#areas) this.map.removeLayer(this.#areas.layer);
    this.#areas = areas;
    if (areas) {
      areas.layer.setZIndex(-2);
      this.map.addLayer(areas.layer);
    }
  }

  draw(): void {
    const frame = frameOf(this.map);
    const packed = this.#packed;
    if (!frame) return;
    if (packed) this.#drawSigns(frame, packed);
    this.drawn();
  }

  #drawSigns(frame: Frame, packed: Packed): void {
    const { draw = 'points', size } = this.options;
    if (draw === 'heat') drawHeat(this.#heat, frame, packed, this.#ramp);
    else if (draw === 'clusters' || size) this.#drawBubbles(frame, packed);
    else {
      this.#trails?.draw(frame, packed.groups.length, this.#look.colours, performance.now(), this.#force);
      this.#dots.draw(frame, packed, this.#look.colours, this.#look.halo);
    }
    this.#force = false;
  }

  #drawBubbles(frame: Frame, packed: Packed): void {
    const bubbles = this.#clustered() ? this.#bubblesOfClusters(frame, packed) : this.#bubblesOfRows(packed);
    const context = this.#bubbles.getContext('2d')!;
    cleared(this.#bubbles, context, frame);
    drawBubbles(context, frame, bubbles, this.#look);
  }

  /** Whether the page puts points together; rows with hulls are clusters already. */
  #clustered = () => this.options.draw === 'clusters' && !this.options.hull;

  #bubblesOfRows(packed: Packed): Bubble[] {
    const most = packed.size.reduce((most, size) => (size > most ? size : most), 1e-9);
    return Array.from({ length: packed.count }, (_, at): Bubble => {
      const size = packed.size[at] || 0;
      const [x, y, group, name] = [packed.x[at]!, packed.y[at]!, packed.group[at]!, packed.names[at] ?? ''];
      return { x, y, group, name, radius: radiusOf(size, most), text: compact(size), isRound: this.options.draw === 'clusters', hull: [] };
    });
  }

  #bubblesOfClusters(frame: Frame, packed: Packed): Bubble[] {
    const wanted = `${this.#edition} ${Math.round(frame.zoom)}`;
    if (wanted !== this.#clustersFor) this.#clusters = clustersOf(packed, frame);
    this.#clustersFor = wanted;
    const most = this.#clusters.reduce((most, { size }) => Math.max(most, size), 1e-9);
    return this.#clusters.map(({ x, y, size, members }) => {
      const group = commonest(members.map((at) => packed.group[at]!));
      if (members.length === 1) return { x, y, group, radius: SMALLEST, text: '', name: '', isRound: false, hull: [] };
      const corners = hull(members.map((at) => [packed.x[at]!, packed.y[at]!]));
      return { x, y, group, radius: Math.max(11, radiusOf(size, most)), text: compact(size), name: '', isRound: true, hull: corners };
    });
  }

  /** What is at a pixel of the map. */
  hit(left: number, top: number): Hit | null {
    const frame = frameOf(this.map);
    if (!frame) return null;
    const [x, y] = [frame.left + left * frame.resolution, frame.top - top * frame.resolution];
    let best: Hit | null = null;
    let near = Infinity;
    this.#each((hit, radius) => {
      const distance = Math.hypot(hit.x - x, hit.y - y) / frame.resolution;
      if (distance > Math.max(REACH, radius) || distance >= near) return;
      best = hit;
      near = distance;
    });
    if (best) return best;
    const row = this.#areas?.layer.getSource()?.getFeaturesAtCoordinate([x, y])[0]?.get('row') as Row | undefined;
    return row ? { kind: 'area', row, x, y } : null;
  }

  /** Everything within the window, from the middle outwards. */
  visible(): Hit[] {
    const frame = frameOf(this.map);
    if (!frame) return [];
    const found: { hit: Hit; away: number }[] = [];
    const note = (hit: Hit) => {
      const [left, top] = [toX(frame, hit.x), toY(frame, hit.y)];
      if (left >= 0 && top >= 0 && left <= frame.width && top <= frame.height) found.push({ hit, away: Math.hypot(left - frame.width / 2, top - frame.height / 2) });
    };
    this.#each(note);
    if (!found.length) {
      this.#areas?.layer.getSource()?.forEachFeature((one) => {
        const [x, y] = getCenter(one.getGeometry()!.getExtent()) as [number, number];
        note({ kind: 'area', row: one.get('row') as Row, x, y });
      });
    }
    return found.sort((a, b) => a.away - b.away).map(({ hit }) => hit);
  }

  #each(visit: (hit: Hit, radius: number) => void): void {
    const packed = this.#packed;
    const { draw = 'points', size } = this.options;
    if (!packed || draw === 'heat' || draw === 'regions') return;
    if (this.#clustered()) {
      for (const cluster of this.#clusters) visit({ kind: 'cluster', cluster, x: cluster.x, y: cluster.y }, REACH);
      return;
    }
    const most = size ? packed.size.reduce((most, size) => (size > most ? size : most), 1e-9) : 0;
    for (let at = 0; at < packed.count; at++) {
      visit({ kind: 'point', slot: packed.slot[at]!, x: packed.x[at]!, y: packed.y[at]! }, size ? radiusOf(packed.size[at] || 0, most) : 0);
    }
  }

  /** Where a point is in the packing now; -1 when it has left. */
  place(slot: number): number {
    return this.#packed ? this.#packed.slot.subarray(0, this.#packed.count).indexOf(slot) : -1;
  }

  /** Where something is now, in pixels; nothing when it has left. */
  locate(hit: Hit): { left: number; top: number } | null {
    const frame = frameOf(this.map);
    if (!frame || !this.#packed) return frame && hit.kind === 'area' ? { left: toX(frame, hit.x), top: toY(frame, hit.y) } : null;
    let { x, y } = hit;
    if (hit.kind === 'point') {
      const at = this.place(hit.slot);
      if (at < 0) return null;
      [x, y] = [this.#packed.x[at]!, this.#packed.y[at]!];
    }
    return { left: toX(frame, x), top: toY(frame, y) };
  }

  /** Shows everything there is. */
  fit(): void {
    const all: Extent = createEmpty();
    const packed = this.#packed;
    if (packed?.count) extend(all, boundingExtent(Array.from({ length: packed.count }, (_, at) => [packed.x[at]!, packed.y[at]!])));
    const areas = this.#areas?.layer.getSource()?.getExtent();
    if (areas && !isEmpty(areas)) extend(all, areas);
    if (!isEmpty(all)) this.map.getView().fit(all, { padding: [44, 44, 52, 44], maxZoom: 14 });
  }

  zoom(by: number): void {
    const view = this.map.getView();
    view.animate({ zoom: (view.getZoom() ?? 2) + by, duration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 200 });
  }

  close(): void {
    clearInterval(this.#fading);
    this.map.setTarget(undefined);
  }
}

const radiusOf = (size: number, most: number) => SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(Math.max(0, size) / most);

function commonest(groups: number[]): number {
  const counts = new Array<number>(MOST_GROUPS).fill(0);
  for (const group of groups) counts[group]!++;
  return counts.indexOf(Math.max(...counts));
}
