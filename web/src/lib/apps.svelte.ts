// The apps being served and their pages. Asked again when the live connection tells that a page has changed.
import { getJson } from './api';
import type { App } from './types';

export const apps = $state({ list: [] as App[], revision: '', loaded: false, error: '' });

export async function loadApps(): Promise<void> {
  try {
    const document = await getJson<{ revision: string; apps: App[] }>('/v1/apps');
    apps.list = document.apps;
    apps.revision = document.revision;
    apps.error = '';
  } catch (error) {
    apps.error = error instanceof Error ? error.message : String(error);
  }
  apps.loaded = true;
}
