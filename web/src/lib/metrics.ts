// Prometheus' text format, as far as /metrics uses it, and what can be read off it.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name!] = value!;
    samples.push({ name: match[1]!, labels, value: match[3] === '+Inf' ? Infinity : Number(match[3]) });
  }
  return samples;
}

/** The sum of a metric over all its labels, or those that fit. */
export function total(samples: Sample[], name: string, fits: (labels: Record<string, string>) => boolean = () => true): number {
  return samples.filter((sample) => sample.name === name && fits(sample.labels)).reduce((sum, sample) => sum + sample.value, 0);
}

/** Counts by upper bound of a histogram's buckets, not cumulative, of what happened between two readings. */
export function between(before: Sample[], now: Sample[], name: string, fits?: (labels: Record<string, string>) => boolean): Map<number, number> {
  const read = (samples: Sample[]) => {
    const found = new Map<number, number>();
    for (const { name: one, labels, value } of samples) {
      if (one !== `${name}_bucket` || (fits && !fits(labels))) continue;
      const bound = labels.le === '+Inf' ? Infinity : Number(labels.le);
      found.set(bound, (found.get(bound) ?? 0) + value);
    }
    return found;
  };
  const [old, late] = [read(before), read(now)];
  const counts = new Map<number, number>();
  let below = 0;
  for (const bound of [...late.keys()].sort((a, b) => a - b)) {
    const cumulative = (late.get(bound) ?? 0) - (old.get(bound) ?? 0);
    counts.set(bound, Math.max(0, cumulative - below));
    below = cumulative;
  }
  return counts;
}

/** A percentile of a histogram, interpolated within its bucket; null when nothing happened. */
export function percentile(counts: Map<number, number>, share: number): number | null {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let seen = 0;
  let low = 0;
  for (const [bound, count] of counts) {
    if (seen + count >= share * all && count > 0) {
      if (bound === Infinity) return low;
      return low + (bound - low) * ((share * all - seen) / count);
    }
    seen += count;
    low = bound;
  }
  return low;
}
