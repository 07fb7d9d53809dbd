// What a map shows now, and from metres to pixels.
import type OlMap from 'ol/Map';

export interface Frame {
  /** In pixels of the page; `scale` of the screen's are one. */
  width: number;
  height: number;
  scale: number;
  /** Metres a pixel. */
  resolution: number;
  zoom: number;
  /** Metres at the left and upper edge. */
  left: number;
  top: number;
}

export function frameOf(map: OlMap): Frame | null {
  const [width, height] = map.getSize() ?? [];
  const view = map.getView();
  const [resolution, center] = [view.getResolution(), view.getCenter()];
  if (!width || !height || !resolution || !center) return null;
  const [left, top] = [center[0]! - (width / 2) * resolution, center[1]! + (height / 2) * resolution];
  return { width, height, scale: devicePixelRatio, resolution, zoom: view.getZoom() ?? 2, left, top };
}

export const toX = (frame: Frame, x: number) => (x - frame.left) / frame.resolution;
export const toY = (frame: Frame, y: number) => (frame.top - y) / frame.resolution;

/** Makes a canvas as large as the map and clears it; its unit is a pixel of the page. */
export function cleared(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, frame: Frame): void {
  const [width, height] = [Math.round(frame.width * frame.scale), Math.round(frame.height * frame.scale)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  context.setTransform(frame.scale, 0, 0, frame.scale, 0, 0);
  context.clearRect(0, 0, frame.width, frame.height);
}
