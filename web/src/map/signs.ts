// The signs of groups: told apart by shape as well as by colour. The same shapes are drawn on canvases and in legends.
import { CATEGORIES } from '../lib/theme.svelte';
import { MOST_GROUPS } from './packed';

/** Corners of each shape for a radius of one, so that all look equally large; none: a circle. */
export const SHAPES: [number, number][][] = [
  [],
  [[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
  [[0, -1.3], [1.18, 0.82], [-1.18, 0.82]],
  [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  [[-0.42, -1.2], [0.42, -1.2], [0.42, -0.42], [1.2, -0.42], [1.2, 0.42], [0.42, 0.42], [0.42, 1.2], [-0.42, 1.2], [-0.42, 0.42], [-1.2, 0.42], [-1.2, -0.42], [-0.42, -0.42]],
  [[0, 1.3], [1.18, -0.82], [-1.18, -0.82]],
];

/** The token of a group's colour; the last of too many is "Other". */
export const signColour = (group: number, groups: string[]) => (groups.length >= MOST_GROUPS && groups[group] === 'Other' ? '--faint' : CATEGORIES[group % CATEGORIES.length]!);

/** Adds a shape to the context's path. */
export function trace(context: CanvasRenderingContext2D, group: number, x: number, y: number, radius: number): void {
  const corners = SHAPES[group % SHAPES.length]!;
  if (corners.length === 0) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([dx, dy], at) => (at ? context.lineTo(x + dx * radius, y + dy * radius) : context.moveTo(x + dx * radius, y + dy * radius)));
  context.closePath();
}

/** The shape as the path of an SVG with the middle at (0, 0). */
export function signPath(group: number, radius: number): string {
  const corners = SHAPES[group % SHAPES.length]!;
  if (corners.length === 0) return `M${radius} 0A${radius} ${radius} 0 1 1 ${-radius} 0A${radius} ${radius} 0 1 1 ${radius} 0Z`;
  return `M${corners.map(([x, y]) => `${x * radius} ${y * radius}`).join('L')}Z`;
}
