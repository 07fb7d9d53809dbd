// The past in SQL: `FOR SYSTEM_TIME AS OF …` behind each relation of a statement, put there, replaced, or taken away. The
// text is read word by word, so that strings, comments and names of CTEs stay as they are.
import type { Relation } from './catalog.svelte';

interface Word {
  text: string;
  kind: 'name' | 'space' | 'other';
  at: number;
}
/** After one of these a list of relations is over. */
const ENDS = new Set(['where', 'group', 'order', 'having', 'limit', 'union', 'except', 'intersect', 'select', 'window', 'on', 'using', 'offset', 'qualify']);
const WORDS = /(--[^\n]*|\/\*[\s\S]*?\*\/|\s+)|('(?:[^']|'')*')|("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_]*)|([\s\S])/g;
const CLAUSE = /\s+FOR\s+SYSTEM_TIME\s+AS\s+OF\s+(?:TIMESTAMPTZ\s*'[^']*'|MARK\b|OFFSETS\s*\(\s*'[^']*'\s*\)|now\(\)(?:\s*-\s*INTERVAL\s*'[^']*')?)/gi;

function words(sql: string): Word[] {
  return [...sql.matchAll(WORDS)].map((match): Word => ({ text: match[0], kind: match[1] !== undefined ? 'space' : match[3] !== undefined ? 'name' : 'other', at: match.index }));
}

const plain = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase());

/** A point of the past as SQL: a time (ISO 8601), or the newest batch result. */
export const pointOf = (value: string) => (value === 'mark' ? 'MARK' : `TIMESTAMPTZ '${value.replaceAll("'", '')}'`);

/** The statement read at a point; without one, at the present. */
export function readAt(sql: string, point: string, relations: Relation[], schema: string): string {
  const present = sql.replace(CLAUSE, '');
  if (!point) return present;
  let out = '';
  let from = 0;
  for (const end of placesOf(present, relations, schema)) {
    out += `${present.slice(from, end)} FOR SYSTEM_TIME AS OF ${pointOf(point)}`;
    from = end;
  }
  return out + present.slice(from);
}

/** The same, with `now()` being that point too. */
export function asIfThen(sql: string, point: string, relations: Relation[], schema: string): string {
  const moved = readAt(sql, point, relations, schema);
  const all = words(moved);
  let out = '';
  for (let at = 0; at < all.length; at++) {
    const isNow = all[at]!.kind === 'name' && /^now$/i.test(all[at]!.text) && all[at + 1]?.text === '(' && all[at + 2]?.text === ')';
    out += isNow ? pointOf(point) : all[at]!.text;
    if (isNow) at += 2;
  }
  return out;
}

/** Where the names of relations with a past end. */
function placesOf(sql: string, relations: Relation[], schema: string): number[] {
  const all = words(sql).filter(({ kind }) => kind !== 'space');
  const known = new Set(relations.filter((one) => one.schema !== 'highwater').map((one) => `${one.schema}.${one.name}`));
  const own = schema || 'public';
  const ctes = new Set(all.filter((word, at) => word.kind === 'name' && /^as$/i.test(all[at + 1]?.text ?? '') && all[at + 2]?.text === '(').map(({ text }) => plain(text)));
  const ends: number[] = [];
  /** Whether a list of relations is open, by depth of parentheses. */
  const open = [false];
  let wanted = false;
  for (let at = 0; at < all.length; at++) {
    const { text, kind } = all[at]!;
    const word = kind === 'name' ? text.toLowerCase() : text;
    if (wanted && kind === 'name' && word !== 'lateral') {
      wanted = false;
      const qualified = all[at + 1]?.text === '.' && all[at + 2]?.kind === 'name';
      const last = qualified ? at + 2 : at;
      const name = qualified ? `${plain(text)}.${plain(all[last]!.text)}` : `${own}.${plain(text)}`;
      const isCall = all[last + 1]?.text === '(';
      if (!isCall && known.has(name) && (qualified || !ctes.has(plain(text)))) ends.push(all[last]!.at + all[last]!.text.length);
      at = last;
      continue;
    }
    if (word === 'from' || word === 'join') wanted = open[open.length - 1] = true;
    else if (word === ',') wanted = open[open.length - 1]!;
    else if (ENDS.has(word)) wanted = open[open.length - 1] = false;
    else if (word === '(') {
      open.push(wanted);
    } else if (word === ')') {
      if (open.length > 1) open.pop();
      wanted = false;
    } else if (kind === 'other') wanted = false;
  }
  return ends;
}
