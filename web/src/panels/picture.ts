// What a panel draws as a PNG: its canvases over the panel's colour, or its SVG.
import { colour } from '../lib/theme.svelte';

export async function drawing(frame: HTMLElement): Promise<Blob | null> {
  const body = frame.querySelector('.body');
  const parts = [...(body?.querySelectorAll<HTMLCanvasElement | SVGSVGElement>('canvas, svg.drawing') ?? [])];
  if (!body || parts.length === 0) return null;
  const area = body.getBoundingClientRect();
  const scale = devicePixelRatio;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(area.width * scale);
  canvas.height = Math.round(area.height * scale);
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.scale(scale, scale);
  context.fillStyle = colour('--panel');
  context.fillRect(0, 0, area.width, area.height);
  for (const part of parts) {
    const at = part.getBoundingClientRect();
    const image = part instanceof HTMLCanvasElement ? part : await rendered(part);
    context.drawImage(image, at.left - area.left, at.top - area.top, at.width, at.height);
  }
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/** An SVG as an image. Its colours come from the page's styles, so they are written into it first. */
async function rendered(svg: SVGSVGElement): Promise<HTMLImageElement> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll('*')];
  [copy, ...copy.querySelectorAll('*')].forEach((element, at) => {
    const style = getComputedStyle(from[at]!);
    for (const name of ['fill', 'stroke', 'stroke-width', 'font-family', 'font-size', 'font-weight', 'opacity', 'text-anchor']) {
      (element as SVGElement).style.setProperty(name, style.getPropertyValue(name));
    }
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(copy.outerHTML)}`;
  await image.decode();
  return image;
}
