// Requests that are answered once: SQL, documents, files to keep.
import type { Answer, Column, Problem, Row } from './types';

/** A refusal of the server, or a failure to reach it. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

async function refusal(response: Response): Promise<Refused> {
  try {
    return new Refused((await response.json()) as Problem);
  } catch {
    return new Refused({ title: response.statusText, detail: `the server answered ${response.status}`, status: response.status });
  }
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Refused({ title: 'Not reached', detail: 'the server cannot be reached', status: 0, hint: 'is it running?' });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function getJson<T>(path: string): Promise<T> {
  return (await (await request(path)).json()) as T;
}

export async function postText<T>(path: string, text: string): Promise<T> {
  return (await (await request(path, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: text })).json()) as T;
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return (await (await request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json()) as T;
}

/** Gives up long work that the server does. */
export async function cancelJob(id: number): Promise<void> {
  await request(`/v1/jobs/${id}`, { method: 'DELETE' });
}

export async function getText(path: string): Promise<string> {
  return (await request(path)).text();
}

function sqlRequest(sql: string, schema: string | null | undefined, accept: string, signal?: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ sql, schema: schema ?? undefined }),
    signal,
  };
}

/** What a statement gives: rows, or what it did. */
export type Outcome = { answer: Answer } | { done: { tag: string; rows: number; notices: string[] } };

export async function runSql(sql: string, schema?: string | null, signal?: AbortSignal): Promise<Outcome> {
  const response = await request('/v1/sql', sqlRequest(sql, schema, 'application/json', signal));
  const document = (await response.json()) as Record<string, unknown>;
  if ('tag' in document) return { done: document as unknown as { tag: string; rows: number; notices: string[] } };
  const answer = { version: document.version as string, columns: document.schema as Column[], rows: document.rows as Row[] };
  return { answer: { ...answer, cut: false, sql, schema: schema ?? null } };
}

/** The rows of a query; for pages of ours whose queries give rows. */
export async function queryRows(sql: string): Promise<Row[]> {
  const outcome = await runSql(sql);
  return 'answer' in outcome ? outcome.answer.rows : [];
}

/** Lets the reader keep a file. */
export function keep(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** All rows of a query as CSV, made by the server. */
export async function keepCsv(name: string, sql: string, schema: string | null): Promise<void> {
  const response = await request('/v1/sql', sqlRequest(sql, schema, 'text/csv'));
  keep(`${name}.csv`, await response.blob());
}

/** Rows that are here as CSV (RFC 4180). */
export function rowsAsCsv(columns: Column[], rows: Row[]): Blob {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map((column) => cell(column.name)), ...rows.map((row) => columns.map((column) => cell(row[column.name])))];
  return new Blob([lines.map((line) => line.join(',') + '\r\n').join('')], { type: 'text/csv' });
}
