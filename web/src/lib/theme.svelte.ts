// Light or dark: what was chosen here last, else what the system prefers.
type Mode = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: light)');
const stored = localStorage.getItem('theme');
const chosen: Mode | null = stored === 'light' || stored === 'dark' ? stored : null;

export const theme = $state({ mode: chosen ?? ((system.matches ? 'light' : 'dark') as Mode) });

/** Goes over to the other one, and remembers it. */
export function toggleTheme(): void {
  theme.mode = theme.mode === 'dark' ? 'light' : 'dark';
  localStorage.setItem('theme', theme.mode);
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = theme.mode;
}

system.addEventListener('change', () => {
  if (localStorage.getItem('theme')) return;
  theme.mode = system.matches ? 'light' : 'dark';
  applyTheme();
});

/** The colour of a token now, for canvases, which know no custom properties. */
export function colour(token: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** The same, partly transparent. */
export function translucent(token: string, alpha: number): string {
  const value = colour(token);
  const parts = value.match(/[\d.]+/g) ?? [];
  const scale = value.startsWith('color(') ? 255 : 1;
  return `rgba(${parts
    .slice(0, 3)
    .map((part) => Math.round(Number(part) * scale))
    .join(',')},${alpha})`;
}

/** The tokens of categories, in the order in which they are given out; what comes after is "Other". */
export const CATEGORIES = ['--c1', '--c2', '--c3', '--c4', '--c5', '--c6'];
