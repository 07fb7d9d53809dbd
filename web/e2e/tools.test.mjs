// The tools around the data: the past, audits, rejected records, the doctor, and a page as a file of its own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { binary, chromiumPath, launch, missing, open, ready, sender, serve, shoot, unsound } from './browser.mjs';

const skip = missing.length ? `not there: ${missing.join(', ')}` : false;

const SQL = `
CREATE STREAM IF NOT EXISTS plays (song TEXT NOT NULL, seconds BIGINT NOT NULL, country TEXT, ts TIMESTAMPTZ NOT NULL);
CREATE MATERIALIZED VIEW IF NOT EXISTS songs AS SELECT song, count(*) AS plays, sum(seconds) AS seconds FROM plays GROUP BY song;
CREATE MATERIALIZED VIEW IF NOT EXISTS countries AS SELECT country, count(*) AS plays FROM plays GROUP BY country;`;

const PAGE = `
title = "Plays"
[[parameters]]
name = "song"
kind = "text"
placeholder = "All songs"
[[panels]]
id = "total"
title = "Total"
kind = "number"
value = "plays"
sql = "SELECT coalesce(sum(plays), 0) AS plays FROM songs WHERE $song IN ('', song)"
[[panels]]
id = "rows"
title = "Songs"
kind = "table"
view = "songs"
[[panels]]
id = "map"
title = "Where"
kind = "map"
draw = "regions"
region = "country"
value = "plays"
width = 6
height = 8
sql = "SELECT country, plays FROM countries WHERE country IS NOT NULL"
[[panels]]
id = "chart"
title = "By song"
kind = "bar"
label = "song"
value = "plays"
sql = "SELECT song, plays FROM songs ORDER BY plays DESC, song"
`;

test('tools', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-tools-'));
  const app = join(folder, 'mine');
  mkdirSync(join(app, 'dashboards'), { recursive: true });
  writeFileSync(join(app, 'app.sql'), SQL);
  writeFileSync(join(app, 'dashboards', 'plays.toml'), PAGE);
  const server = await serve(['up', app]);
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const send = sender(server, 'mine');
  const play = (song, country = 'PT') => ({ song, seconds: 10, country, ts: '2026-03-01T10:00:00Z' });
  await send('plays', [play('Blue'), play('Blue', 'US'), play('Rain', 'FR')]);
  await new Promise((go) => setTimeout(go, 1200));
  const then = new Date().toISOString();
  await new Promise((go) => setTimeout(go, 1200));
  await send('plays', [play('Rain'), play('Snow', 'BR')]);

  await t.test('a query is read in the past', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/query?schema=mine&sql=${encodeURIComponent("SELECT s.song, s.plays, 'from songs' AS note FROM songs AS s ORDER BY 1 -- from songs")}`);
    await ready(page);
    await page.getByText('songs').first().waitFor();
    const editor = page.locator('.cm-content');
    const choice = page.getByLabel('As of', { exact: true });
    await choice.selectOption('time');
    await page.waitForFunction(() => document.querySelector('.cm-content').textContent.includes('FROM songs FOR SYSTEM_TIME AS OF TIMESTAMPTZ'));
    assert.equal((await editor.textContent()).split('FOR SYSTEM_TIME').length, 2, 'neither in the text nor in the comment');
    const local = await page.evaluate((iso) => { const at = new Date(iso); return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19); }, then);
    await page.getByLabel('Time to read at').fill(local);
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const result = page.locator('[aria-label="Result"]');
    await result.getByRole('cell', { name: 'Blue' }).waitFor();
    assert.equal(await result.locator('tbody tr').count(), 2, 'there was no Snow');
    await shoot(page, 'query-past-dark');
    await choice.selectOption('');
    await page.waitForFunction(() => !document.querySelector('.cm-content').textContent.includes('SYSTEM_TIME'));
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await result.getByRole('cell', { name: 'Snow' }).waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a dashboard is read in the past', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/apps/mine/plays?as_of=${encodeURIComponent(then)}`);
    const total = (text) => page.waitForFunction((wanted) => document.querySelector('[data-panel="total"] [data-value]')?.textContent === wanted, text);
    await total('3');
    await page.locator('[data-panel="rows"]').getByRole('cell', { name: 'Rain' }).waitFor();
    assert.equal(await page.locator('[data-panel="rows"] tbody tr').count(), 2);
    assert.match(await page.locator('[data-panel="total"] header').textContent(), /as of/);
    await shoot(page, 'past-dark');
    assert.deepEqual(await unsound(page), []);
    await page.getByLabel('As of', { exact: true }).selectOption('');
    await page.waitForURL((url) => !url.searchParams.has('as_of'));
    await total('5');
    assert.deepEqual(bad, []);
    await close();
  });

  for (const [look, options] of Object.entries({ dark: { theme: 'dark' }, phone: { theme: 'light', width: 390, height: 844 } })) {
    await t.test(`audit and recompute, ${look}`, async () => {
      const { page, bad, close } = await open(browser, `${server.url}/data?of=mine.songs`, options);
      await ready(page);
      const audit = page.getByRole('status', { name: 'Audit of mine.songs' });
      await audit.scrollIntoViewIfNeeded();
      await audit.getByRole('button', { name: 'Audit', exact: true }).click();
      await audit.getByText('Equal to its history').waitFor();
      await audit.getByRole('button', { name: 'Recompute' }).click();
      await audit.getByRole('button', { name: 'Audit', exact: true }).waitFor();
      await audit.getByText('Equal to its history').waitFor();
      await shoot(page, `audit-${look}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
      assert.deepEqual(await unsound(page), []);
      assert.deepEqual(bad, []);
      await close();
    });
  }

  await t.test('rejects are looked at and replayed; the doctor tells of them', async () => {
    const body = '{"song":"Late","seconds":"ten","ts":"2026-03-01T10:00:00Z"}\n{"song":"Fast","length":7,"ts":"2026-03-01T10:00:00Z"}';
    await fetch(`${server.url}/v1/streams/mine.plays/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
    const { page, bad, close } = await open(browser, `${server.url}/operations`);
    const doctor = page.locator('section[aria-label="Doctor"]');
    await doctor.getByText('2 records were rejected').waitFor();
    assert.match(await page.locator('.tile', { hasText: 'Memory' }).textContent(), /MB/);
    assert.match(await page.locator('.tile', { hasText: 'On disk' }).textContent(), /log/);
    await shoot(page, 'doctor-dark');
    await page.goto(`${server.url}/data?of=mine.plays`);
    await page.getByRole('tab', { name: 'Rejects' }).click();
    const about = page.getByRole('tabpanel');
    await about.getByText('"seconds":"ten"').waitFor();
    await about.getByText('2 of the last 2 not replayed').waitFor();
    const altered = await fetch(`${server.url}/v1/sql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql: 'ALTER STREAM mine.plays ALTER COLUMN seconds DROP NOT NULL CASCADE' }) });
    assert.equal(altered.status, 200, await altered.text());
    await about.getByRole('button', { name: 'Replay rejects' }).click();
    await about.getByText(/1 became 1 event; 1 still refused/).waitFor();
    await about.getByText('1 of the last 2 not replayed').waitFor({ timeout: 10_000 }).catch(() => undefined);
    await shoot(page, 'rejects-dark');
    assert.deepEqual(await unsound(page), []);
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a page is published as a file that needs nothing', async () => {
    const out = join(folder, 'out');
    const run = (words) => spawnSync(binary, ['publish', ...words, '--from', server.url], { encoding: 'utf8', env: { ...process.env, CHROMIUM: chromiumPath } });
    const wrong = run(['mine', '--to', 's3://bucket']);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /name a folder/);
    assert.match(run(['yours', '--to', out]).stderr, /serves no app yours; it serves mine/);
    const done = run(['mine', '--to', out]);
    assert.equal(done.status, 0, done.stderr);
    const file = join(out, 'mine', 'plays.html');
    assert.ok(existsSync(join(out, 'mine', 'index.html')));
    assert.ok(readFileSync(join(out, 'mine', 'plays.png')).length > 10_000, done.stderr);
    const context = await browser.newContext({ viewport: { width: 1440, height: 1100 }, colorScheme: 'light', offline: true });
    const page = await context.newPage();
    const bad = [];
    page.on('pageerror', (error) => bad.push(String(error)));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && bad.push(message.text()));
    page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || bad.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await page.locator('[data-panel="rows"]').getByRole('cell', { name: 'Snow' }).waitFor();
    await page.locator('[data-panel="map"] .map[data-ready]').waitFor();
    assert.match(await page.locator('[data-panel="total"] [data-value]').textContent(), /^[56]$/);
    await page.waitForTimeout(500);
    await shoot(page, 'published-light');
    assert.deepEqual(await unsound(page), []);
    assert.deepEqual(bad, []);
    await context.close();
  });
});
