// Where things came from: the places they had within the last seconds, as lines that fade. The page remembers what it has
// seen; it asks nothing.
import { cleared, type Frame } from './frame';
import type { Packed } from './packed';

interface Sample {
  at: number;
  /** By slot; NaN for what was not there. */
  x: Float64Array;
  y: Float64Array;
}
const MOST_SAMPLES = 24;
const LEAST_SAMPLES = 6;
/** Lines of all samples together, about. */
const MOST_LINES = 40_000;
/** So many lines are drawn with every change; more of them once a second. */
const FEW_LINES = 6_000;
const STEP_MS = 1000;
/** Shorter steps are put together, in pixels. */
const LEAST_STEP = 1.2;

export class Trails {
  #context: CanvasRenderingContext2D;
  #samples: Sample[] = [];
  #now: Sample | null = null;
  #group = new Uint8Array(0);
  #epoch = -1;
  #drawn: Frame | null = null;
  #drawnAt = 0;

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly seconds: number,
  ) {
    this.#context = canvas.getContext('2d')!;
  }

  /** Takes the places of now. */
  note(packed: Packed, at: number): void {
    if (packed.epoch !== this.#epoch) this.#samples = [];
    this.#epoch = packed.epoch;
    const now = { at, x: new Float64Array(packed.slots).fill(NaN), y: new Float64Array(packed.slots).fill(NaN) };
    if (this.#group.length < packed.slots) this.#group = new Uint8Array(packed.slots * 2);
    for (let index = 0; index < packed.count; index++) {
      const slot = packed.slot[index]!;
      now.x[slot] = packed.x[index]!;
      now.y[slot] = packed.y[index]!;
      this.#group[slot] = packed.group[index]!;
    }
    this.#now = now;
    const most = Math.max(LEAST_SAMPLES, Math.min(MOST_SAMPLES, Math.floor(MOST_LINES / Math.max(1, packed.count))));
    const last = this.#samples.at(-1);
    if (!last || at - last.at >= (this.seconds * 1000) / most) this.#samples.push(now);
  }

  #forget(at: number): void {
    while (this.#samples[0] && this.#samples[0].at < at - this.seconds * 1000) this.#samples.shift();
  }

  /** Draws what is due. While the map moves, the picture moves with it. */
  draw(frame: Frame, groups: number, colours: string[], at: number, force: boolean): void {
    this.#forget(at);
    const before = this.#drawn;
    const same = before && before.resolution === frame.resolution && before.left === frame.left && before.top === frame.top && before.width === frame.width && before.height === frame.height;
    const lines = this.#samples.length * (this.#now?.x.length ?? 0);
    const due = force || !before || at - this.#drawnAt >= (lines > FEW_LINES ? STEP_MS : 0);
    if (!due) {
      if (!same) this.#shift(before, frame);
      return;
    }
    this.#drawn = frame;
    this.#drawnAt = at;
    this.canvas.style.transform = '';
    cleared(this.canvas, this.#context, frame);
    const all = this.#now ? [...this.#samples.filter((sample) => sample !== this.#now), this.#now] : [];
    if (all.length > 1) this.#lines(frame, all, groups, colours, at);
  }

  #lines(frame: Frame, all: Sample[], groups: number, colours: string[], at: number): void {
    const context = this.#context;
    const slots = this.#now!.x.length;
    const [penX, penY] = [new Float32Array(slots).fill(NaN), new Float32Array(slots).fill(NaN)];
    context.lineWidth = Math.max(1.2, Math.min(3, frame.zoom / 5));
    context.lineCap = 'round';
    context.lineJoin = 'round';
    all.forEach((sample, number) => {
      const isLast = number === all.length - 1;
      const paths = Array.from({ length: Math.max(1, groups) }, () => new Path2D());
      for (let slot = 0; slot < sample.x.length; slot++) {
        const x = (sample.x[slot]! - frame.left) / frame.resolution;
        const y = (frame.top - sample.y[slot]!) / frame.resolution;
        const [fromX, fromY] = [penX[slot]!, penY[slot]!];
        // What was not there has no line; NaN compares as false.
        const far = Math.abs(x - fromX) + Math.abs(y - fromY) >= LEAST_STEP;
        if (far || (isLast && x !== fromX)) {
          const seen = Math.max(x, fromX) > 0 && Math.min(x, fromX) < frame.width && Math.max(y, fromY) > 0 && Math.min(y, fromY) < frame.height;
          const path = paths[this.#group[slot]!];
          if (seen && path) {
            path.moveTo(fromX, fromY);
            path.lineTo(x, y);
          }
        }
        if (far || !(fromX === fromX)) {
          penX[slot] = x;
          penY[slot] = y;
        }
      }
      const age = (at - sample.at) / (this.seconds * 1000);
      context.globalAlpha = 0.62 * Math.max(0, 1 - age) + 0.04;
      paths.forEach((path, group) => {
        context.strokeStyle = colours[group]!;
        context.stroke(path);
      });
    });
    context.globalAlpha = 1;
  }

  /** Moves the picture drawn for another frame to where this one has it. */
  #shift(drawn: Frame, frame: Frame): void {
    const grown = drawn.resolution / frame.resolution;
    const [x, y] = [(drawn.left - frame.left) / frame.resolution, (frame.top - drawn.top) / frame.resolution];
    this.canvas.style.transformOrigin = '0 0';
    this.canvas.style.transform = `translate(${x}px, ${y}px) scale(${grown})`;
  }
}
