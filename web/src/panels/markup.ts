// The little markup of text panels: `# heading`, `- list`, blank lines between paragraphs, **bold**, `code`, [link](address).

export interface Span {
  kind: 'plain' | 'bold' | 'code' | 'link';
  text: string;
  href?: string;
}

export interface Block {
  kind: 'heading' | 'list' | 'paragraph';
  items: Span[][];
}

/** Addresses within these pages, and of the web; nothing that runs. */
const isAddress = (href: string) => /^(https?:\/\/|\/(?!\/)|#)/.test(href);

export function spans(text: string): Span[] {
  const found: Span[] = [];
  const pattern = /\*\*(.+?)\*\*|`(.+?)`|\[(.+?)\]\((\S+?)\)/g;
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > done) found.push({ kind: 'plain', text: text.slice(done, match.index) });
    const [all, bold, code, label, href] = match;
    if (bold !== undefined) found.push({ kind: 'bold', text: bold });
    else if (code !== undefined) found.push({ kind: 'code', text: code });
    else if (href && isAddress(href)) found.push({ kind: 'link', text: label!, href });
    else found.push({ kind: 'plain', text: all });
    done = match.index + all.length;
  }
  if (done < text.length) found.push({ kind: 'plain', text: text.slice(done) });
  return found;
}

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  for (const part of text.trim().split(/\n\s*\n/)) {
    const lines = part.split('\n').map((line) => line.trim());
    if (lines[0]?.startsWith('#')) {
      found.push({ kind: 'heading', items: [spans(lines.shift()!.replace(/^#+\s*/, ''))] });
    }
    if (lines.length === 0) continue;
    if (lines.every((line) => line.startsWith('- '))) found.push({ kind: 'list', items: lines.map((line) => spans(line.slice(2))) });
    else found.push({ kind: 'paragraph', items: [spans(lines.join(' '))] });
  }
  return found;
}
