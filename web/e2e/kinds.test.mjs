// A panel of every kind, drawn from rows that are always the same.
import assert from 'node:assert/strict';
import test from 'node:test';
import { launch, missing, open, people, ready, sender, serve, shoot, unsound } from './browser.mjs';

const skip = missing.length ? `not there: ${missing.join(', ')}` : false;

test('every kind of panel', { skip }, async (t) => {
  const server = await serve(['up', './e2e/every']);
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
  });
  const send = sender(server, 'every');
  await send('people', people(400, 0));
  await send('shouts', ['Ann', 'Bob', 'Cid'].map((who, at) => ({ who, what: `hello ${at}`, ts: new Date(Date.now() - at * 70_000).toISOString() })));
  const address = `${server.url}/apps/every/every`;

  for (const [look, options] of Object.entries({
    dark: { theme: 'dark', height: 5000 },
    light: { theme: 'light', height: 5000 },
    phone: { theme: 'dark', width: 390, height: 9800 },
  })) {
    await t.test(look, async () => {
      const { page, bad, close } = await open(browser, address, options);
      await ready(page);
      for (const id of ['people', 'sized', 'clusters', 'heat', 'clusters-with-hulls', 'regions', 'shapes']) await page.locator(`[data-panel="${id}"] .map[data-ready]`).waitFor();
      await send('people', people(400, 6));
      await page.waitForTimeout(900);
      await shoot(page, `every-${look}`);
      const panel = (id) => page.locator(`[data-panel="${id}"]`);
      assert.match(await panel('number').textContent(), /°C/);
      assert.match(await panel('nothing').textContent(), /No rows/);
      assert.match(await panel('wrong').textContent(), /there is no relation "nowhere"|nowhere/);
      assert.match(await panel('sized').textContent(), /1 without a place/);
      assert.match(await panel('regions').textContent(), /1 without a place/, 'Atlantis is told of');
      assert.doesNotMatch(await panel('clusters-with-hulls').textContent(), /without a place/);
      assert.match(await panel('people').textContent(), /trails of 60 s/);
      assert.match(await panel('feed').textContent(), /Ann says hello 0/);
      assert.equal(await panel('text').or(panel('panel-1')).getByRole('listitem').count(), 2);
      assert.equal(await panel('pie').getByRole('listitem').count(), 6, 'the smallest are one part');
      assert.deepEqual(await unsound(page), []);
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
});
