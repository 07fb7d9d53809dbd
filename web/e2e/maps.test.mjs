// Maps: what can be reached on them, what thousands of points that move cost, and how much is loaded for a page.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import test from 'node:test';
import { launch, missing, open, people, ready, sender, serve, shoot, unsound } from './browser.mjs';

const skip = missing.length ? `not there: ${missing.join(', ')}` : false;
/** What a first visit may load, compressed, but for maps. */
const MOST_BYTES = 600_000;
const MOVING_MS = 6000;

test('maps', { skip }, async (t) => {
  const server = await serve(['up', './e2e/every']);
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
  });
  const send = sender(server, 'every');
  /** Steps that people have taken: what is older than what is known is left out. */
  let walked = 10;
  await send('people', people(300, 0));

  await t.test('what is on a map is chosen by mouse and keyboard', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/apps/every/every`, { height: 5000 });
    await ready(page);
    const panel = (id) => page.locator(`[data-panel="${id}"]`);
    const chosen = (id) => panel(id).locator('.chosen');
    await panel('sized').locator('.map[data-ready]').waitFor();
    await panel('sized').locator('.map').focus();
    const names = new Set();
    for (let step = 0; step < 6; step++) {
      await page.keyboard.press('Enter');
      await chosen('sized').locator('.strong').waitFor();
      await page.waitForFunction((seen) => !seen.includes(document.querySelector('[data-panel="sized"] .chosen .strong')?.textContent), [...names]);
      names.add(await chosen('sized').locator('.strong').textContent());
    }
    assert.deepEqual([...names].sort(), ['Berlin', 'London', 'New York', 'Porto', 'San Francisco', 'Sydney'], 'each once');
    assert.match(await chosen('sized').textContent(), /N\s*[\d,]+/);
    await shoot(page, 'map-chosen-dark');
    await page.keyboard.press('Escape');
    await chosen('sized').waitFor({ state: 'detached' });

    // Clusters tell how many, points who, regions how much.
    await panel('clusters').locator('.map').focus();
    await page.keyboard.press('Enter');
    await chosen('clusters').getByText('points together').waitFor();
    await panel('regions').getByRole('button', { name: 'Next on the map' }).click();
    await chosen('regions').getByText('plays').first().waitFor();
    await panel('people').locator('.map').focus();
    await page.keyboard.press('n');
    await chosen('people').getByText(/^person \d+$/).waitFor();
    const ring = panel('people').locator('.ring');
    const place = () => ring.evaluate((element) => element.style.left + element.style.top);
    const before = await place();
    await send('people', people(300, 8));
    await page.waitForFunction((was) => { const ring = document.querySelector('[data-panel="people"] .ring'); return ring && ring.style.left + ring.style.top !== was; }, before);
    await panel('people').getByRole('button', { name: 'Close' }).click();
    await ring.waitFor({ state: 'detached' });
    const box = await panel('shapes').locator('.map').boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await chosen('shapes').getByText(/^cell \d+$/).waitFor();
    assert.deepEqual(await unsound(page), []);

    // As a table there are rows, and as a file.
    await panel('people').getByRole('button', { name: /^More about/ }).click();
    await panel('people').getByRole('button', { name: 'Show as table' }).click();
    await panel('people').getByRole('cell', { name: 'person 7', exact: true }).waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a followed map downloads all its rows', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/apps/every/moving`);
    await ready(page);
    const panel = page.locator('[data-panel="people"]');
    await panel.locator('.map[data-ready]').waitFor();
    await panel.getByRole('button', { name: /^More about/ }).click();
    const kept = page.waitForEvent('download');
    await panel.getByRole('button', { name: 'Download CSV' }).click();
    const stream = await (await kept).createReadStream();
    const text = Buffer.concat(await stream.toArray()).toString();
    assert.equal(text.trim().split('\r\n').length, 301);
    assert.deepEqual(bad, []);
    await close();
  });

  for (const [name, address] of [['without trails', '/apps/every/moving'], ['with trails', '/apps/every/every']]) {
    await t.test(`five thousand people move, ${name}`, async (run) => {
      await send('people', people(5000, ++walked));
      const { page, bad, close } = await open(browser, server.url + address);
      const map = page.locator('[data-panel="people"]');
      await map.scrollIntoViewIfNeeded();
      await map.locator('.map[data-ready]').waitFor();
      await page.waitForTimeout(1000);
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
      const measured = async () => Object.fromEntries((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
      const first = await picture();
      const frames = page.evaluate(
        (time) =>
          new Promise((done) => {
            const gaps = [];
            let last = performance.now();
            const end = last + time;
            const step = (now) => {
              gaps.push(now - last);
              last = now;
              if (now < end) requestAnimationFrame(step);
              else done(gaps.sort((a, b) => a - b));
            };
            requestAnimationFrame(step);
          }),
        MOVING_MS,
      );
      const before = await measured();
      const start = Date.now();
      let steps = 0;
      while (Date.now() - start < MOVING_MS) {
        steps++;
        await send('people', people(5000, ++walked));
        await new Promise((go) => setTimeout(go, Math.max(0, start + steps * 100 - Date.now())));
      }
      const after = await measured();
      const gaps = await frames;
      const share = (name) => (((after[name] - before[name]) / (after.Timestamp - before.Timestamp)) * 100).toFixed(0);
      run.diagnostic(
        `${steps} updates of 5,000 people in ${MOVING_MS / 1000} s; frames: median ${gaps[gaps.length >> 1].toFixed(1)} ms, 95 % ${gaps[Math.floor(gaps.length * 0.95)].toFixed(1)} ms; ` +
          `main thread busy ${share('TaskDuration')} % (script ${share('ScriptDuration')} %)`,
      );
      assert.notEqual(await picture(), first, 'they moved');
      assert.deepEqual(bad, []);
      await close();
    });
  }

  await t.test('a first visit loads little', async (run) => {
    for (const [address, most] of [['/', MOST_BYTES], ['/apps/every/every', Infinity], ['/query', MOST_BYTES]]) {
      const { page, bad, close } = await open(browser, 'about:blank');
      const loads = [];
      page.on('response', (response) => {
        if (response.url().startsWith(server.url)) loads.push(response.body().then((body) => (/woff2$/.test(response.url()) ? body.length : gzipSync(body).length), () => 0));
      });
      await page.goto(server.url + address);
      await page.waitForLoadState('networkidle').catch(() => undefined);
      const bytes = (await Promise.all(loads)).reduce((sum, length) => sum + length, 0);
      run.diagnostic(`${address}: ${loads.length} requests, ${Math.round(bytes / 1000)} KB compressed`);
      assert.ok(bytes > 20_000 && bytes < most, `${address} loads ${bytes} bytes`);
      assert.deepEqual(bad, []);
      await close();
    }
  });
});
