// Signs whose size says something: by area, the number inside where it fits, the name below where nothing else stands.
import { toX, toY, type Frame } from './frame';
import { trace } from './signs';

export interface Bubble {
  /** Metres. */
  x: number;
  y: number;
  /** Pixels. */
  radius: number;
  group: number;
  /** A circle, whatever its group. */
  isRound: boolean;
  /** The number inside. */
  text: string;
  /** The name below. */
  name: string;
  /** Corners in metres of what it stands for, drawn faintly. */
  hull: [number, number][];
}

export interface Look {
  colours: string[];
  halo: string;
  text: string;
  font: string;
}

/** From this radius on a number fits, in pixels. */
const HAS_NUMBER = 15;
const hasNumber = ({ text, radius }: { text: string; radius: number }) => text !== '' && radius >= HAS_NUMBER;

/** Draws all bubbles; the largest first, so that small ones are seen. */
export function drawBubbles(context: CanvasRenderingContext2D, frame: Frame, bubbles: Bubble[], look: Look): void {
  const shown = bubbles
    .map((bubble) => ({ ...bubble, px: toX(frame, bubble.x), py: toY(frame, bubble.y) }))
    .filter(({ px, py, radius, hull }) => hull.length || (px > -radius && py > -radius && px < frame.width + radius && py < frame.height + radius))
    .sort((a, b) => b.radius - a.radius);
  for (const { hull, group } of shown) if (hull.length > 2) drawHull(context, frame, hull, look.colours[group]!);
  context.lineWidth = 1.5;
  for (const { px, py, radius, group, isRound } of shown) {
    context.beginPath();
    trace(context, isRound ? 0 : group, px, py, radius);
    context.strokeStyle = context.fillStyle = look.colours[group]!;
    context.globalAlpha = 0.45;
    context.fill();
    context.globalAlpha = 1;
    context.stroke();
  }
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = look.halo;
  context.fillStyle = look.text;
  // Names stand where neither a number nor the name of a larger one is.
  const taken = shown.filter(hasNumber).map(({ px, py }): [number, number, number, number] => [px - 14, py - 8, px + 14, py + 8]);
  for (const { px, py, radius, text, name } of shown) {
    if (hasNumber({ text, radius })) {
      context.font = `600 11px ${look.font}`;
      context.fillText(text, px, py + 0.5);
    }
    if (!name) continue;
    context.font = `500 11px ${look.font}`;
    const half = context.measureText(name).width / 2 + 3;
    const y = py + radius + 10;
    const box: [number, number, number, number] = [px - half, y - 8, px + half, y + 8];
    if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
    taken.push(box);
    context.strokeText(name, px, y);
    context.fillText(name, px, y);
  }
}

function drawHull(context: CanvasRenderingContext2D, frame: Frame, corners: [number, number][], colour: string): void {
  context.beginPath();
  corners.forEach(([x, y], at) => (at ? context.lineTo(toX(frame, x), toY(frame, y)) : context.moveTo(toX(frame, x), toY(frame, y))));
  context.closePath();
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.2;
  context.globalAlpha = 0.1;
  context.fill();
  context.globalAlpha = 0.55;
  context.stroke();
  context.globalAlpha = 1;
}
