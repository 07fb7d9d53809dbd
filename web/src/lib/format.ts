// Values as people read them. Numbers and times follow one language, so that a picture of a page is the same everywhere.
import type { Column, ColumnOptions, Format, Row } from './types';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const some = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 });
const one = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat('en', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const stamp = new Intl.DateTimeFormat('en', {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});
const zone = new Intl.DateTimeFormat('en', { timeZoneName: 'short', hour: '2-digit' });

export const compact = (value: number) => short.format(value);
export const integer = (value: number) => whole.format(value);

export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let step = 0;
  while (Math.abs(value) >= 1000 && step < units.length - 1) {
    value /= 1000;
    step++;
  }
  return `${step === 0 ? whole.format(value) : one.format(value)} ${units[step]}`;
}

/** Seconds. */
export function duration(seconds: number): string {
  if (seconds < 0.001) return `${whole.format(seconds * 1e6)} µs`;
  if (seconds < 1) return `${one.format(seconds * 1000)} ms`;
  if (seconds < 60) return `${one.format(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${whole.format(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** The reader's time zone in short, such as CET. */
export function zoneName(at = new Date()): string {
  return zone.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
}

export const isNumber = (type: string) => /INT|DOUBLE|REAL|DECIMAL/.test(type);
export const isTime = (type: string) => type.startsWith('TIMESTAMP');
/** Numbers that are names are not grouped into thousands. */
export const isName = (name: string) => /(^|_)(id|uuid|key|year|partition|version)$/i.test(name);

export function asNumber(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** A value by an explicit format. */
export function formatted(value: unknown, format: Format, unit = ''): string {
  if (value === null || value === undefined) return '–';
  const number = asNumber(value);
  const tail = unit ? ` ${unit}` : '';
  switch (format) {
    case 'date':
      return day.format(new Date(`${String(value).slice(0, 10)}T00:00:00Z`));
    case 'time':
      return clock.format(new Date(String(value)));
    case 'text':
      return String(value) + tail;
    default:
      if (number === null) return String(value);
  }
  switch (format) {
    case 'integer':
      return whole.format(number) + tail;
    case 'compact':
      return short.format(number) + tail;
    case 'percent':
      return `${one.format(number)} %`;
    case 'bytes':
      return bytes(number);
    case 'duration':
      return duration(number);
    default:
      return some.format(number) + tail;
  }
}

/** A value by its column's type. */
export function shown(value: unknown, column: Column, options?: ColumnOptions): string {
  if (value === null || value === undefined) return '–';
  if (options?.format) return formatted(value, options.format, options.unit);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'object') return JSON.stringify(value);
  if (isNumber(column.type)) return formatted(value, isName(column.name) ? 'text' : 'number', options?.unit);
  if (isTime(column.type)) return stamp.format(new Date(String(value)));
  return String(value);
}

/** A text with `{column}` replaced by values; for addresses they are encoded. */
export function filled(template: string, row: Row, encode = false): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = row[name];
    if (value === null || value === undefined) return '';
    if (encode) return encodeURIComponent(String(value));
    if (typeof value === 'number' && !isName(name)) return some.format(value);
    const isDay = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
    return isDay ? formatted(value, 'date') : String(value);
  });
}

/** A column's name as a heading. */
export function heading(name: string): string {
  const text = name.replaceAll('_', ' ').trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
