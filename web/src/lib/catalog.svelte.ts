// What there is to ask: relations with their columns, for the schema browser and for completion.
import { queryRows } from './api';

export interface Relation {
  schema: string;
  name: string;
  kind: string;
  key: string;
  /** Qualified names of what it reads. */
  reads: string[];
  sql: string;
  columns: { name: string; type: string; key: boolean; nullable: boolean }[];
}

export const catalog = $state({ relations: [] as Relation[], loaded: false });

/** The tables of the system itself, which the catalog does not list. */
const SYSTEM: Record<string, string[]> = {
  columns: ['schema', 'relation', 'column', 'type', 'nullable', 'key', 'position'],
  jobs: ['schema', 'name', 'kind', 'state', 'progress', 'error'],
  partitions: ['schema', 'stream', 'partition', 'earliest', 'next', 'visible'],
  relations: ['schema', 'name', 'kind', 'key', 'reads', 'sql'],
  streams: ['schema', 'name', 'key', 'partitions', 'records', 'rejects', 'bytes', 'lag', 'current_rows'],
  tables: ['schema', 'name', 'key', 'rows', 'bytes', 'path'],
  views: ['schema', 'name', 'kind', 'state', 'key', 'rows', 'bytes', 'lag', 'progress', 'error', 'version'],
};

export async function loadCatalog(): Promise<void> {
  const [relations, columns] = await Promise.all([
    queryRows('SELECT schema, name, kind, key, reads, sql FROM highwater.relations ORDER BY schema, name'),
    queryRows('SELECT schema, relation, "column", type, nullable, key FROM highwater.columns ORDER BY schema, relation, position'),
  ]);
  const own = relations.map((row): Relation => ({
    schema: String(row.schema),
    name: String(row.name),
    kind: String(row.kind),
    key: String(row.key ?? ''),
    reads: row.reads ? String(row.reads).split(', ') : [],
    sql: String(row.sql ?? ''),
    columns: columns
      .filter((column) => column.schema === row.schema && column.relation === row.name)
      .map((column) => ({ name: String(column.column), type: String(column.type), key: column.key === true, nullable: column.nullable === true })),
  }));
  const system = Object.entries(SYSTEM).map(([name, names]): Relation => ({
    schema: 'highwater', name, kind: 'system table', key: '', reads: [], sql: '', columns: names.map((column) => ({ name: column, type: '', key: false, nullable: false })),
  }));
  catalog.relations = [...own, ...system];
  catalog.loaded = true;
}

/** A name as SQL takes it. */
export const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
