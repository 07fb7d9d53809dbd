// Which columns a table shows, and how: as a panel says, or all of them by their types.
import { filled, heading, isName, isNumber } from '../lib/format';
import { dashboardAddress } from '../lib/router.svelte';
import type { Column, ColumnOptions, Row } from '../lib/types';

export interface Shown extends ColumnOptions {
  column: Column;
  title: string;
  right: boolean;
}

export function shownColumns(columns: Column[], options: ColumnOptions[] | undefined): Shown[] {
  const wanted: ColumnOptions[] = options ?? columns.map(({ name }) => ({ name }));
  return wanted.flatMap((one) => {
    const column = columns.find((column) => column.name === one.name);
    if (!column || one.hidden) return [];
    const right = isNumber(column.type) && one.format !== 'text' && !isName(column.name) && !one.link;
    return [{ ...one, column, title: one.label ?? heading(column.name), right }];
  });
}

/** Columns that are wanted and not there. */
export function missingColumns(columns: Column[], names: (string | undefined)[]): string[] {
  return names.filter((name): name is string => name !== undefined && !columns.some((column) => column.name === name));
}

/** The address that a link of a panel leads to: `page?x={column}` of the same app, or `/…`. */
export function linkAddress(template: string, app: string, row: Row): string {
  const text = filled(template, row, true);
  if (text.startsWith('/')) return text;
  const [page, search] = text.split('?');
  return dashboardAddress(app, decodeURIComponent(page ?? '')) + (search ? `?${search}` : '');
}

/** Whether a row holds a text, case ignored. */
export function matches(row: Row, columns: Shown[], text: string): boolean {
  const wanted = text.toLowerCase();
  return columns.some(({ column }) => String(row[column.name] ?? '').toLowerCase().includes(wanted));
}
