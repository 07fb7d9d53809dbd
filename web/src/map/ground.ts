// The ground below a map, from our own files, in the theme's colours: countries, the states of the USA, names of cities, and
// New York in more detail, which is loaded when it is looked at. Nothing is asked of others.
import Feature from 'ol/Feature';
import type OlMap from 'ol/Map';
import { intersects } from 'ol/extent';
import GeoJSON from 'ol/format/GeoJSON';
import type Geometry from 'ol/geom/Geometry';
import Point from 'ol/geom/Point';
import { fromExtent } from 'ol/geom/Polygon';
import VectorLayer from 'ol/layer/Vector';
import { fromLonLat, transformExtent } from 'ol/proj';
import VectorSource from 'ol/source/Vector';
import Fill from 'ol/style/Fill';
import Stroke from 'ol/style/Stroke';
import Style from 'ol/style/Style';
import Text from 'ol/style/Text';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import statesAddress from 'us-atlas/states-10m.json?url';
import worldAddress from 'world-atlas/countries-50m.json?url';
import citiesAddress from '../../geo/cities.json?url';
import landAddress from '../../geo/ny-land.json?url';
import boroughsAddress from '../../geo/nyc-boroughs.json?url';
import { colour } from '../lib/theme.svelte';

export interface Country {
  /** The number of ISO 3166-1, or nothing. */
  id: string;
  name: string;
  geometry: Geometry;
}
type Ring = number[][];

const FONT = "'Inter Variable', sans-serif";
const format = new GeoJSON({ featureProjection: 'EPSG:3857' });
/** Where New York's own shapes are drawn, and from which zoom on. */
const NEW_YORK = transformExtent([-76.2, 39.2, -71.5, 42.2], 'EPSG:4326', 'EPSG:3857');
const NEAR_ZOOM = 8.5;
const BOROUGHS: [string, number, number][] = [['Manhattan', -73.969, 40.778], ['Brooklyn', -73.945, 40.645], ['Queens', -73.8, 40.715], ['Bronx', -73.87, 40.852], ['Staten Island', -74.145, 40.58]];

const loaded = new Map<string, Promise<unknown>>();
/** A file, read once for all maps of the page. */
function file<T>(address: string): Promise<T> {
  const found = loaded.get(address) ?? fetch(address).then((response) => response.json());
  loaded.set(address, found);
  return found as Promise<T>;
}
/** The shapes of a TopoJSON's only object. */
const shapes = (world: Topology) => format.readFeatures(feature(world, Object.values(world.objects)[0] as GeometryCollection));

let reading: Promise<Country[]> | undefined;

/** The countries of the world. */
export function countries(): Promise<Country[]> {
  reading ??= file<Topology<{ countries: GeometryCollection<{ name: string }> }>>(worldAddress).then((world) =>
    feature(world, world.objects.countries).features.flatMap(({ id, properties, geometry }): Country[] => {
      const read = format.readGeometry(whole(geometry));
      return read ? [{ id: String(id ?? ''), name: properties.name, geometry: read }] : [];
    }),
  );
  return reading;
}

/** A ring that crosses the border of east and west goes on beyond it, rather than back over the whole map. */
function whole(geometry: GeoJSON.Geometry): GeoJSON.Geometry {
  const rings = (rings: Ring[]) => rings.map(unwrapped);
  if (geometry.type === 'Polygon') return { ...geometry, coordinates: rings(geometry.coordinates) };
  if (geometry.type === 'MultiPolygon') return { ...geometry, coordinates: geometry.coordinates.map(rings) };
  return geometry;
}

function unwrapped(ring: Ring): Ring {
  let turns = 0;
  const moved = ring.map(([lon, lat], at) => {
    const before = ring[at - 1]?.[0] ?? lon!;
    if (lon! - before > 180) turns--;
    if (before - lon! > 180) turns++;
    return [lon! + 360 * turns, lat!];
  });
  // One that goes around the pole does not close; it stays as it is.
  return turns === 0 ? moved : ring;
}

export interface Ground {
  retheme: () => void;
}

/** Lays the ground below a map; with the names of places, unless what is drawn has names of its own. */
export async function ground(map: OlMap, named: boolean): Promise<Ground> {
  const looks: (() => void)[] = [];
  const lay = (features: Feature[], zIndex: number, look: () => Style | ((one: Feature) => Style), zooms: { minZoom?: number; maxZoom?: number } = {}, declutter = false) => {
    const layer = new VectorLayer({ source: new VectorSource({ features }), zIndex, updateWhileInteracting: false, declutter, ...zooms });
    const dress = () => {
      const style = look();
      layer.setStyle(typeof style === 'function' ? (one) => style(one as Feature) : style);
    };
    dress();
    looks.push(dress);
    map.addLayer(layer);
  };
  const land = () => new Style({ fill: new Fill({ color: colour('--map-land') }), stroke: new Stroke({ color: colour('--map-line'), width: 0.8 }) });
  const dashed = () => new Style({ stroke: new Stroke({ color: colour('--map-line'), width: 0.8, lineDash: [4, 3] }) });
  const water = () => new Style({ fill: new Fill({ color: colour('--map-water') }) });
  const name = (size: number, upper: boolean) => () => {
    const [fill, halo] = [new Fill({ color: colour('--map-label') }), new Stroke({ color: colour('--map-land'), width: 3 })];
    return (one: Feature) => {
      const text = String(one.get('name'));
      // Hair spaces set capitals apart.
      const shown = upper ? [...text.toUpperCase()].join('\u200a') : text;
      return new Style({ zIndex: -Number(one.get('rank')), text: new Text({ text: shown, font: `${upper ? 600 : 500} ${size}px ${FONT}`, fill, stroke: halo }) });
    };
  };
  const places = (list: [string, number, number][]) => list.map(([name, lon, lat], rank) => new Feature({ geometry: new Point(fromLonLat([lon, lat])), name, rank }));

  const [world, states, cities] = await Promise.all([countries(), file<Topology<{ states: GeometryCollection }>>(statesAddress), named ? file<[string, number, number][]>(citiesAddress) : []]);
  lay(world.map(({ geometry }) => new Feature({ geometry })), -5, land);
  const borders = format.readGeometry(mesh(states, states.objects.states, (a, b) => a !== b));
  if (borders) lay([new Feature({ geometry: borders })], -4, dashed, { minZoom: 2.5, maxZoom: NEAR_ZOOM });
  if (named) lay(places(cities), -1, name(11, false), { minZoom: 3, maxZoom: NEAR_ZOOM }, true);

  let isNear = false;
  const look = async () => {
    const view = map.getView();
    if (isNear || (view.getZoom() ?? 0) < NEAR_ZOOM - 1 || !intersects(view.calculateExtent(map.getSize()), NEW_YORK)) return;
    isNear = true;
    const [coast, boroughs] = await Promise.all([file<Topology>(landAddress), file<Topology>(boroughsAddress)]);
    lay([new Feature({ geometry: fromExtent(NEW_YORK) })], -4, water, { minZoom: NEAR_ZOOM });
    lay(shapes(coast), -3, land, { minZoom: NEAR_ZOOM });
    lay(shapes(boroughs), -2, land, { minZoom: NEAR_ZOOM });
    if (named) lay(places(BOROUGHS), -1, name(12, true), { minZoom: NEAR_ZOOM + 0.5 }, true);
  };
  map.on('moveend', () => void look());
  await look();
  return { retheme: () => looks.forEach((dress) => dress()) };
}
