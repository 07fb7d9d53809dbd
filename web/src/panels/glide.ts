// How rows of a ranking move to their new places: the rank stays, who holds it glides. A row that rises is above the ones
// that fall, and those are faint on their way, so that two that pass each other can be read.
import type { AnimationConfig } from 'svelte/animate';
import { cubicOut } from 'svelte/easing';

export function glide(row: Element, { from, to }: { from: DOMRect; to: DOMRect }, { duration }: { duration: number }): AnimationConfig {
  const away = from.top - to.top;
  const cells = [...(row as HTMLTableRowElement).cells].slice(1);
  return {
    duration: away ? duration : 0,
    easing: cubicOut,
    tick: (_, left) => {
      for (const cell of cells) {
        cell.style.transform = left ? `translateY(${away * left}px)` : '';
        cell.style.opacity = left && away < 0 ? String(1 - 0.55 * left) : '';
      }
    },
  };
}
