// Many small signs of equal size. Each sign is drawn once, and its pixels are copied to every place: thousands of them take
// about a millisecond, where a path each would take ten times as long.
import type { Frame } from './frame';
import type { Packed } from './packed';
import { trace } from './signs';

/** A sign's pixels at one of the places between pixels. */
interface Sprite {
  size: number;
  pixels: Uint32Array;
  bytes: Uint8ClampedArray;
  /** The first column of each row with something in it, and the one after the last. */
  spans: [number, number][];
}
/** Places between pixels for each direction, so that what moves slowly does not jump. */
const BETWEEN = 2;
const ROOM = 2;

export class Dots {
  #context: CanvasRenderingContext2D;
  #image: ImageData | null = null;
  #pixels = new Uint32Array(0);
  #sprites: Sprite[][] = [];
  #made = '';

  constructor(readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext('2d', { willReadFrequently: true })!;
  }

  /** How large a dot is, in pixels: larger from near, smaller among many. */
  static radius = (zoom: number, count: number) => Math.max(1.6, Math.min(6.5, (zoom - 2) * 0.36 + 2.2) * Math.max(0.55, Math.min(1, Math.sqrt(900 / Math.max(1, count)))));

  draw(frame: Frame, packed: Packed, colours: string[], halo: string): void {
    const [width, height] = [Math.round(frame.width * frame.scale), Math.round(frame.height * frame.scale)];
    if (this.canvas.width !== width || this.canvas.height !== height || !this.#image) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.#image = this.#context.createImageData(width, height);
      this.#pixels = new Uint32Array(this.#image.data.buffer);
    }
    this.#pixels.fill(0);
    const radius = Math.round(Dots.radius(frame.zoom, packed.count) * frame.scale * 4) / 4;
    this.#make(radius, colours, halo);
    const metres = frame.scale / frame.resolution;
    const { count, x, y, group } = packed;
    for (let at = 0; at < count; at++) {
      const sprites = this.#sprites[group[at]!]!;
      const half = sprites[0]!.size / 2;
      const px = (x[at]! - frame.left) * metres - half;
      const py = (frame.top - y[at]!) * metres - half;
      if (px < -half * 2 || py < -half * 2 || px > width || py > height) continue;
      const [left, top] = [Math.floor(px), Math.floor(py)];
      const between = Math.floor((py - top) * BETWEEN) * BETWEEN + Math.floor((px - left) * BETWEEN);
      this.#copy(sprites[between]!, left, top, width, height);
    }
    this.#context.putImageData(this.#image, 0, 0);
  }

  clear(): void {
    this.#context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #copy(sprite: Sprite, left: number, top: number, width: number, height: number): void {
    const { size, pixels, bytes, spans } = sprite;
    const into = this.#pixels;
    const target = this.#image!.data;
    const most = width - left;
    for (let row = Math.max(0, -top); row < Math.min(size, height - top); row++) {
      const span = spans[row]!;
      const from = Math.max(span[0], -left);
      const to = Math.min(span[1], most);
      let source = row * size + from;
      let at = (top + row) * width + left + from;
      for (let column = from; column < to; column++, source++, at++) {
        const alpha = bytes[source * 4 + 3]!;
        if (alpha === 0) continue;
        if (alpha === 255 || into[at] === 0) {
          into[at] = pixels[source]!;
          continue;
        }
        const below = target[at * 4 + 3]! * (255 - alpha);
        const sum = alpha * 255 + below;
        for (let part = 0; part < 3; part++) {
          target[at * 4 + part] = (bytes[source * 4 + part]! * alpha * 255 + target[at * 4 + part]! * below) / sum;
        }
        target[at * 4 + 3] = sum / 255;
      }
    }
  }

  /** Draws each group's sign, unless that was done for the same size and colours. */
  #make(radius: number, colours: string[], halo: string): void {
    const wanted = `${radius} ${colours.join()} ${halo}`;
    if (wanted === this.#made) return;
    this.#made = wanted;
    const size = 2 * Math.ceil(radius * 1.3 + ROOM);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    this.#sprites = colours.map((colour, group) =>
      Array.from({ length: BETWEEN * BETWEEN }, (_, between) => {
        const middle = (step: number) => size / 2 + (step + 0.5) / BETWEEN;
        context.clearRect(0, 0, size, size);
        context.beginPath();
        trace(context, group, middle(between % BETWEEN), middle(Math.floor(between / BETWEEN)), radius);
        context.lineWidth = 1.5;
        context.lineJoin = 'round';
        context.strokeStyle = halo;
        context.stroke();
        context.fillStyle = colour;
        context.fill();
        const bytes = context.getImageData(0, 0, size, size).data;
        const pixels = new Uint32Array(bytes.buffer);
        const spans = Array.from({ length: size }, (_, row): [number, number] => {
          const line = pixels.subarray(row * size, (row + 1) * size);
          const first = line.findIndex((pixel) => pixel !== 0);
          return first < 0 ? [0, 0] : [first, line.findLastIndex((pixel) => pixel !== 0) + 1];
        });
        return { size, bytes, pixels, spans };
      }),
    );
  }
}
