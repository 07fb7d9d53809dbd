// A server that goes away and comes back: the page says so, keeps what it showed, and goes on by itself with right numbers.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { launch, missing, open, ready, serve, shoot } from './browser.mjs';

const skip = missing.length ? `not there: ${missing.join(', ')}` : false;

const SQL = `
CREATE STREAM IF NOT EXISTS plays (song TEXT NOT NULL, lat DOUBLE, lon DOUBLE, seconds BIGINT NOT NULL);
CREATE MATERIALIZED VIEW IF NOT EXISTS songs AS SELECT song, count(*) AS plays, sum(seconds) AS seconds FROM plays GROUP BY song;`;

const PAGE = `
title = "Plays"
[[panels]]
id = "total"
title = "Total"
kind = "number"
value = "plays"
sql = "SELECT coalesce(sum(plays), 0) AS plays FROM songs"
[[panels]]
id = "rows"
title = "Songs"
kind = "table"
view = "songs"
`;

test('a restart, and files that change', { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'highwater-app-'));
  const app = join(folder, 'mine');
  mkdirSync(join(app, 'dashboards'), { recursive: true });
  writeFileSync(join(app, 'app.sql'), SQL);
  const file = join(app, 'dashboards', 'plays.toml');
  writeFileSync(file, PAGE);
  const data = join(folder, 'data');
  let server = await serve(['up', app], { data });
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const send = async (events) => {
    const answer = await fetch(`${server.url}/v1/streams/mine.plays/events?wait=visible`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    assert.equal(answer.status, 202);
  };
  const play = (song, seconds = 10) => ({ song, seconds });

  // While the server is away the browser says that it cannot connect: that is what is tested.
  const away = (text) => /WebSocket connection|ERR_CONNECTION_REFUSED|Failed to load resource/.test(text);
  const { page, bad } = await open(browser, `${server.url}/apps/mine/plays`, { allow: away });
  const total = page.locator('[data-panel="total"] [data-value]');
  const songs = page.locator('[data-panel="rows"]');
  const shows = (text) => page.waitForFunction((wanted) => document.querySelector('[data-panel="total"] [data-value]')?.textContent === wanted, text);
  await page.evaluate(() => (window.unreloaded = true));
  await ready(page);
  await shows('0');
  await songs.getByText('No rows yet').waitFor();
  await send([play('Blue'), play('Blue'), play('Rain')]);
  await shows('3');
  await songs.getByRole('cell', { name: 'Blue' }).waitFor();

  // Every total that is ever shown must be one that was true.
  await page.evaluate(() => {
    window.totals = [];
    const value = document.querySelector('[data-panel="total"]');
    new MutationObserver(() => window.totals.push(value.querySelector('[data-value]')?.textContent)).observe(value, { subtree: true, characterData: true, childList: true });
  });
  await server.stop('SIGKILL');
  await page.locator('[data-state="disconnected"]').first().waitFor({ state: 'attached' });
  await page.locator('[data-panel="total"].stale').waitFor();
  assert.equal(await total.textContent(), '3', 'what was known stays');
  await shoot(page, 'disconnected-dark');
  server = await serve(['up', app], { data, port: server.port });
  await page.locator('[data-state="live"]').first().waitFor({ state: 'attached' });
  await send([play('Rain'), play('Snow')]);
  await shows('5');
  await songs.getByRole('cell', { name: 'Snow' }).waitFor();
  const rain = songs.getByRole('row', { name: /Rain/ });
  assert.match(await rain.textContent(), /Rain\s*2\s*20/);
  assert.equal(await songs.getByRole('row', { name: /Rain/ }).count(), 1, 'a row that changed is there once');
  const totals = await page.evaluate(() => window.totals);
  assert.ok(totals.every((one) => ['3', '4', '5'].includes(one)), `wrong numbers were shown: ${totals}`);
  assert.ok(await page.evaluate(() => window.unreloaded), 'the page was not loaded again');

  // The file changes: the page follows. It breaks: the page says where. It is mended: the page is back.
  writeFileSync(file, PAGE.replace('title = "Total"', 'title = "All plays"'));
  await page.getByRole('heading', { name: 'All plays' }).waitFor();
  writeFileSync(file, PAGE.replace('kind = "number"', 'kind = "nummer"'));
  await page.getByText('did you mean number?').waitFor();
  await shoot(page, 'mistakes-dark');
  writeFileSync(file, PAGE);
  await page.getByRole('heading', { name: 'Total' }).waitFor();
  await shows('5');
  assert.deepEqual(bad, []);
});
