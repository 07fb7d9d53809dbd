// The ground below points: the countries of the world from our own files, in the theme's colours. Nothing is asked of others.
import GeoJSON from 'ol/format/GeoJSON';
import VectorLayer from 'ol/layer/Vector';
import VectorSource from 'ol/source/Vector';
import Fill from 'ol/style/Fill';
import Stroke from 'ol/style/Stroke';
import Style from 'ol/style/Style';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import worldAddress from 'world-atlas/countries-50m.json?url';
import { colour } from '../lib/theme.svelte';

let source: Promise<VectorSource> | undefined;

/** The shapes are read once for all maps of the page. */
function countries(): Promise<VectorSource> {
  source ??= fetch(worldAddress)
    .then((response) => response.json() as Promise<Topology<{ countries: GeometryCollection }>>)
    .then((world) => {
      const format = new GeoJSON({ featureProjection: 'EPSG:3857' });
      return new VectorSource({ features: format.readFeatures(feature(world, world.objects.countries)) });
    });
  return source;
}

const look = () =>
  new Style({ fill: new Fill({ color: colour('--map-land') }), stroke: new Stroke({ color: colour('--map-line'), width: 0.8 }) });

/** A layer of its own for each map, and what to do when the theme changes. */
export async function basemap(): Promise<{ layer: VectorLayer; retheme: () => void }> {
  const layer = new VectorLayer({ source: await countries(), style: look(), updateWhileInteracting: false });
  return { layer, retheme: () => layer.setStyle(look()) };
}
