// A server, a browser, and pages that fail on anything a reader would not see: errors, and requests to elsewhere.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const binary = process.env.HIGHWATER_BIN ?? '../target/debug/highwater';
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const missing = [binary, chromiumPath].filter((path) => !existsSync(path));
export const shots = process.env.HIGHWATER_SHOTS ?? join(tmpdir(), 'highwater-screenshots');

/** Runs the binary until stopped; gives its address. */
export async function serve(words, { port = 0, data } = {}) {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'highwater-e2e-'));
  const [command, ...rest] = words;
  const child = spawn(binary, [command, ...rest, '--data', folder, '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const url = await new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
      const found = out.match(/http:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
  });
  const stop = (signal = 'SIGTERM') =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.removeAllListeners('exit');
      child.on('exit', resolve);
      child.kill(signal);
    });
  const remove = async () => {
    await stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, stop, remove, data: folder, port: Number(new URL(url).port) };
}

export const launch = () => chromium.launch({ executablePath: chromiumPath });

/** Opens an address. `bad` fills with everything that went wrong; `allow` says what may. */
export async function open(browser, url, { theme = 'dark', width = 1440, height = 900, allow = () => false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'no-preference' });
  const page = await context.newPage();
  const bad = [];
  const note = (text) => allow(text) || bad.push(text);
  page.on('pageerror', (error) => note(`error: ${error}`));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`console: ${message.text()}`));
  page.on('request', (request) => /^(https?|wss?):\/\/127\.0\.0\.1:|^(data|blob):/.test(request.url()) || bad.push(`elsewhere: ${request.url()}`));
  await page.goto(url);
  return { page, bad, close: () => context.close() };
}

/** Waits until every panel that can be seen has rows or says why not. */
export async function ready(page) {
  await page.locator('[data-state="live"]').first().waitFor({ state: 'attached' });
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll('[data-panel]')].filter((panel) => {
      const { top, bottom } = panel.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    return seen.every((panel) => panel.hasAttribute('data-ready'));
  });
}

export async function shoot(page, name) {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What keeps readers with assistive technology out: serious and critical findings, with the elements. */
export async function unsound(page) {
  // The page's own policy keeps scripts out; this one comes with the test.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join('\n  ')}`);
}

/** A function that sends events to a stream of an app, and waits until they are seen. */
export const sender = (server, app) => async (stream, events) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.url}/v1/streams/${app}.${stream}/events?wait=visible`, { method: 'POST', headers, body: JSON.stringify(events) });
  if (answer.status !== 202) throw new Error(`events of ${stream} were answered with ${answer.status}: ${await answer.text()}`);
};

/** People around New York at a step of their walks. */
export const people = (count, step) =>
  Array.from({ length: count }, (_, at) => ({
    name: `person ${at}`,
    lat: 40.7 + 0.1 * Math.sin(at * 12.9898) + step * 0.0005 * Math.cos(at),
    lon: -73.97 + 0.1 * Math.cos(at * 78.233) + step * 0.0005 * Math.sin(at),
    state: at % 3 ? 'available' : 'busy',
    ts: new Date(1_700_000_000_000 + step * 1000).toISOString(),
  }));
