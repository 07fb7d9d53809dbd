// Where everything comes from, laid out in columns: streams and tables on the left, then what reads them, then pages.

export interface Node {
  id: string;
  label: string;
  kind: string;
  reads: string[];
  address?: string;
}

export interface Placed extends Node {
  column: number;
  row: number;
}

/** The column of a node is one after the last of those it reads; within a column nodes stand near what they read. */
export function placed(nodes: Node[]): Placed[] {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const columns = new Map<string, number>();
  const column = (id: string, seen: Set<string> = new Set()): number => {
    const held = columns.get(id);
    if (held !== undefined || seen.has(id)) return held ?? 0;
    const inputs = (known.get(id)?.reads ?? []).filter((input) => known.has(input));
    const found = inputs.length ? 1 + Math.max(...inputs.map((input) => column(input, new Set([...seen, id])))) : 0;
    columns.set(id, found);
    return found;
  };
  const last = Math.max(0, ...nodes.filter((node) => node.kind !== 'dashboard').map((node) => column(node.id)));
  const at = (node: Node) => (node.kind === 'dashboard' ? last + 1 : column(node.id));
  const rows = new Map<string, number>();
  const out: Placed[] = [];
  for (let here = 0; here <= last + 1; here++) {
    const members = nodes.filter((node) => at(node) === here);
    const weight = (node: Node) => {
      const inputs = node.reads.map((input) => rows.get(input)).filter((row): row is number => row !== undefined);
      return inputs.length ? inputs.reduce((sum, row) => sum + row, 0) / inputs.length : Infinity;
    };
    members.sort((a, b) => weight(a) - weight(b) || a.label.localeCompare(b.label));
    members.forEach((node, row) => {
      rows.set(node.id, row);
      out.push({ ...node, column: here, row });
    });
  }
  return out;
}
