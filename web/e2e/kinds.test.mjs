// A panel of every kind, drawn from rows that are always the same; people who move; the time that moving takes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';
import { launch, missing, open, ready, serve, shoot } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const skip = missing.length ? `not there: ${missing.join(', ')}` : false;

test('every kind of panel', { skip }, async (t) => {
  const server = await serve(['up', './e2e/every']);
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
  });
  const send = async (stream, events) => {
    const body = JSON.stringify(events);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await fetch(`${server.url}/v1/streams/every.${stream}/events?wait=visible`, { method: 'POST', headers, body })).status, 202);
  };
  const people = (count, step) =>
    Array.from({ length: count }, (_, at) => ({
      name: `person ${at}`,
      lat: 40.7 + 0.1 * Math.sin(at * 12.9898) + step * 0.0005 * Math.cos(at),
      lon: -73.97 + 0.1 * Math.cos(at * 78.233) + step * 0.0005 * Math.sin(at),
      state: at % 3 ? 'available' : 'busy',
      ts: new Date(1_700_000_000_000 + step * 1000).toISOString(),
    }));
  await send('people', people(400, 0));
  await send('shouts', ['Ann', 'Bob', 'Cid'].map((who, at) => ({ who, what: `hello ${at}`, ts: new Date(Date.now() - at * 70_000).toISOString() })));
  const address = `${server.url}/apps/every/every`;

  for (const [look, options] of Object.entries({
    dark: { theme: 'dark', height: 3300 },
    light: { theme: 'light', height: 3300 },
    phone: { theme: 'dark', width: 390, height: 7600 },
  })) {
    await t.test(look, async () => {
      const { page, bad, close } = await open(browser, address, options);
      await ready(page);
      await page.locator('[data-panel="people"] .map[data-ready]').waitFor();
      await page.waitForTimeout(700);
      await shoot(page, `every-${look}`);
      const panel = (id) => page.locator(`[data-panel="${id}"]`);
      assert.match(await panel('number').textContent(), /°C/);
      assert.match(await panel('nothing').textContent(), /No rows/);
      assert.match(await panel('wrong').textContent(), /there is no relation "nowhere"|nowhere/);
      assert.match(await panel('sized').textContent(), /1 without a place/);
      assert.match(await panel('feed').textContent(), /Ann says hello 0/);
      assert.equal(await panel('text').or(panel('panel-1')).getByRole('listitem').count(), 2);
      assert.equal(await panel('pie').getByRole('listitem').count(), 6, 'the smallest are one part');
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join('\n  ')}`), []);
      assert.deepEqual(bad, []);
      await close();
    });
  }

  await t.test('a read-out, a link, a choice', async () => {
    const { page, bad, close } = await open(browser, `${address}?level=high&factor=2`, { height: 3300 });
    await ready(page);
    const plot = page.locator('[data-panel="lines-of-series"] .plot');
    await plot.hover({ position: { x: 300, y: 90 } });
    await plot.locator('.tip').getByText('Outdoors').waitFor();
    await page.getByText('factor 2').waitFor();
    assert.equal(await page.getByLabel('Level', { exact: true }).inputValue(), 'high');
    await page.getByLabel('Factor', { exact: true }).fill('two');
    await page.getByText('is not a number').first().waitFor();
    await page.getByLabel('Factor', { exact: true }).fill('3');
    await page.getByText('factor 3').waitFor();
    await page.locator('[data-panel="table"]').getByRole('link', { name: 'Porto' }).click();
    await page.waitForURL(/span=Porto/);
    await page.getByText('is no range of days').first().waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('five thousand people move', async (run) => {
    await send('people', people(5000, 1));
    const { page, bad, close } = await open(browser, address, { height: 900, allow: (text) => text.includes('willReadFrequently') });
    const map = page.locator('[data-panel="people"]');
    await map.scrollIntoViewIfNeeded();
    await map.locator('.map[data-ready]').waitFor();
    const picture = () =>
      page.evaluate(() => {
        const canvas = document.querySelector('[data-panel="people"] canvas.points');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let sum = 0;
        for (let at = 3; at < data.length; at += 4) if (data[at]) sum = (sum * 31 + at) | 0;
        return sum;
      });
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const busy = async () => Object.fromEntries((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
    const [before, first] = [await busy(), await picture()];
    const frames = page.evaluate(
      () =>
        new Promise((done) => {
          const gaps = [];
          let last = performance.now();
          const end = last + 5000;
          const step = (now) => {
            gaps.push(now - last);
            last = now;
            if (now < end) requestAnimationFrame(step);
            else done(gaps.sort((a, b) => a - b));
          };
          requestAnimationFrame(step);
        }),
    );
    const start = Date.now();
    let steps = 0;
    while (Date.now() - start < 5000) {
      await send('people', people(5000, ++steps + 1));
      await new Promise((go) => setTimeout(go, Math.max(0, start + steps * 100 - Date.now())));
    }
    const gaps = await frames;
    const after = await busy();
    const share = (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
    run.diagnostic(`${steps} updates of 5,000 people in 5 s; frames: median ${gaps[gaps.length >> 1].toFixed(1)} ms, 95 % ${gaps[Math.floor(gaps.length * 0.95)].toFixed(1)} ms; main thread busy ${(share * 100).toFixed(0)} %`);
    assert.notEqual(await picture(), first, 'they moved');
    assert.deepEqual(bad, []);
    await close();
  });
});
