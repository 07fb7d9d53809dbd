// Where much is: each point adds a soft spot to a coarse grid, and the sums are coloured, more being always further from the
// ground.
import type { Frame } from './frame';
import type { Packed } from './packed';

/** Pixels of the page a cell of the grid, and of a spot's radius. */
const CELL = 4;
const RADIUS = 28;
const REACH = Math.round(RADIUS / CELL);
const SPOT = Float32Array.from({ length: (2 * REACH + 1) ** 2 }, (_, at) => {
  const [x, y] = [(at % (2 * REACH + 1)) - REACH, Math.floor(at / (2 * REACH + 1)) - REACH];
  const distance = Math.hypot(x, y) / REACH;
  return distance < 1 ? (1 - distance * distance) ** 2 : 0;
});

/** Draws the heat on a canvas as coarse as the grid, which the page enlarges softly. Gives the largest sum. */
export function drawHeat(canvas: HTMLCanvasElement, frame: Frame, packed: Packed, ramp: [number, number, number][]): number {
  const [width, height] = [Math.ceil(frame.width / CELL), Math.ceil(frame.height / CELL)];
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const sums = new Float32Array(width * height);
  const side = 2 * REACH + 1;
  for (let at = 0; at < packed.count; at++) {
    const x = Math.round((packed.x[at]! - frame.left) / frame.resolution / CELL);
    const y = Math.round((frame.top - packed.y[at]!) / frame.resolution / CELL);
    if (x < -REACH || y < -REACH || x >= width + REACH || y >= height + REACH) continue;
    const weight = packed.size.length ? Math.max(0, packed.size[at]! || 0) : 1;
    for (let row = Math.max(0, y - REACH); row <= Math.min(height - 1, y + REACH); row++) {
      for (let column = Math.max(0, x - REACH); column <= Math.min(width - 1, x + REACH); column++) {
        sums[row * width + column]! += weight * SPOT[(row - y + REACH) * side + column - x + REACH]!;
      }
    }
  }
  const most = sums.reduce((most, sum) => (sum > most ? sum : most), 0);
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(width, height);
  const last = ramp.length - 1;
  for (let at = 0; at < sums.length; at++) {
    if (!sums[at]) continue;
    // The root shows places with little beside places with much.
    const share = Math.sqrt(sums[at]! / most);
    const place = share * last;
    const [low, part] = [Math.min(last - 1, Math.floor(place)), place - Math.min(last - 1, Math.floor(place))];
    for (let band = 0; band < 3; band++) image.data[at * 4 + band] = ramp[low]![band]! * (1 - part) + ramp[low + 1]![band]! * part;
    image.data[at * 4 + 3] = 255 * Math.min(0.88, share * 1.6);
  }
  context.putImageData(image, 0, 0);
  return most;
}
