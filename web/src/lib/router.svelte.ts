// Addresses: /, /apps/<app>/<dashboard>?<parameters>, /edit/<app>/<dashboard>, /query, /data, /operations. The server gives the same page for all.
import { tick } from 'svelte';

export type Route =
  | { page: 'home' | 'query' | 'data' | 'operations' | 'missing' }
  | { page: 'dashboard' | 'edit'; app: string; dashboard: string };

function read(): { route: Route; search: URLSearchParams } {
  const parts = location.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const search = new URLSearchParams(location.search);
  const [first, app, dashboard] = parts;
  if (!first) return { route: { page: 'home' }, search };
  if (first === 'apps' && app && dashboard && parts.length === 3) return { route: { page: 'dashboard', app, dashboard }, search };
  if (first === 'edit' && app && dashboard && parts.length === 3) return { route: { page: 'edit', app, dashboard }, search };
  if (parts.length === 1 && (first === 'query' || first === 'data' || first === 'operations')) return { route: { page: first }, search };
  return { route: { page: 'missing' }, search };
}

export const place = $state(read());

function update(): void {
  const now = read();
  place.route = now.route;
  place.search = now.search;
}
addEventListener('popstate', update);

/** Goes to an address of ours. The reader starts at the top of its content. */
export function go(address: string): void {
  history.pushState(null, '', address);
  update();
  void tick().then(() => {
    const main = document.getElementById('main');
    main?.scrollTo(0, 0);
    main?.focus({ preventScroll: true });
  });
}

/** Changes the parameters of the address; the same page goes on. Every choice can be undone with "back". */
export function choose(changes: Record<string, string | null>, replace = false): void {
  const search = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) search.delete(name);
    else search.set(name, value);
  }
  const text = search.toString();
  const address = location.pathname + (text ? `?${text}` : '');
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  update();
}

/** For links: lets the browser do what it does with modifier keys, else stays on the page. */
export function follow(event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest('a');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
  const path = link.pathname;
  // To a place of this page: the browser's own.
  if (link.hash && path === location.pathname && link.search === location.search) return;
  const ours = path === '/' || path.startsWith('/apps/') || path.startsWith('/edit/') || ['/query', '/data', '/operations'].includes(path);
  if (!ours) return;
  event.preventDefault();
  go(path + link.search);
}

export function dashboardAddress(app: string, dashboard: string): string {
  return `/apps/${encodeURIComponent(app)}/${encodeURIComponent(dashboard)}`;
}
