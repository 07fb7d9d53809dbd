// Every page of the demo: drawn, live, reachable by keyboard, sound for assistive technology, with no error and no
// request to elsewhere. Pictures are kept for people to look at.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { launch, missing, open, ready, serve, shoot, shots, unsound } from './browser.mjs';

const skip = missing.length ? `not there: ${missing.join(', ')}` : false;
if (skip) console.log(`!! SKIPPED: the end-to-end tests; ${skip}`);

const pages = {
  home: '/',
  overview: '/apps/rankmysteps/overview',
  top: '/apps/rankmysteps/top',
  me: '/apps/rankmysteps/me',
  query: '/query',
  data: '/data',
  operations: '/operations',
  edit: '/edit/rankmysteps/top',
};

test('the demo', { skip }, async (t) => {
  const server = await serve(['demo', '--apps', '../apps']);
  const browser = await launch();
  t.after(async () => {
    await browser.close();
    await server.remove();
  });

  for (const [name, path] of Object.entries(pages)) {
    await t.test(name, { concurrency: true }, async (group) => {
      const looks = ['dark', 'light', 'wide', 'phone'].map((look) => group.test(look, async () => {
        const options = { phone: { theme: 'light', width: 390, height: 844 }, wide: { theme: 'dark', width: 2200, height: 1200 } }[look] ?? { theme: look };
        const { page, bad, close } = await open(browser, server.url + path, options);
        await ready(page);
        await page.waitForTimeout(400);
        await shoot(page, `${name}-${look}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.deepEqual(await page.locator('p.bad').allTextContents(), [], 'nothing on the page says that it failed');
        assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
        assert.deepEqual(await unsound(page), []);
        assert.deepEqual(bad, []);
        await close();
      }));
      await Promise.all(looks);
    });
  }

  await t.test('numbers move by themselves', async () => {
    const { page, bad, close } = await open(browser, server.url + pages.overview);
    await ready(page);
    const value = page.locator('[data-panel="steps-today"] [data-value]');
    const before = await value.textContent();
    await page.waitForFunction((was) => document.querySelector('[data-panel="steps-today"] [data-value]').textContent !== was, before);
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('choices stand in the address and come back from it', async () => {
    const { page, bad, close } = await open(browser, `${server.url}${pages.top}?uuid=11`);
    await ready(page);
    const keys = () => page.locator('[data-panel="ranking"] tr[data-key]').evaluateAll((rows) => rows.map((row) => row.dataset.key));
    assert.ok((await keys()).every((key) => key.startsWith('11')), 'only walkers whose number begins so');
    await page.getByLabel('Walker', { exact: true }).fill('7');
    await page.waitForURL(/uuid=7/);
    await page.locator('[data-panel="ranking"] tr[data-key="7"]').waitFor();
    assert.ok((await keys()).every((key) => key.startsWith('7')));
    await page.getByLabel('Day', { exact: true }).selectOption({ index: 3 });
    await page.waitForURL(/day=\d{4}-/);
    const day = new URL(page.url()).searchParams.get('day');
    await page.reload();
    await ready(page);
    assert.equal(await page.getByLabel('Day', { exact: true }).inputValue(), day);
    await page.locator('[data-panel="ranking"] tr[data-key="7"] a').click();
    await page.waitForURL(/\/me\?uuid=7/);
    await page.getByRole('heading', { name: 'Me', level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'Top walkers', level: 1 }).waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('what a panel can do: its SQL, as a table, CSV, PNG, full screen', async () => {
    const { page, bad, close } = await open(browser, server.url + pages.overview);
    await ready(page);
    const panel = page.locator('[data-panel="steps-of-all-walkers-by-day"]');
    const choose = async (name) => {
      await panel.getByRole('button', { name: /^More about/ }).click();
      await panel.getByRole('button', { name }).click();
    };
    await choose('Show SQL');
    await panel.getByText('SELECT day, steps FROM daily_totals').waitFor();
    await choose('Hide SQL');
    await choose('Show as table');
    await panel.getByRole('columnheader', { name: 'Day' }).waitFor();
    await choose('Show as drawing');
    for (const [name, file] of [['Download CSV', /\.csv$/], ['Download PNG', /\.png$/]]) {
      const kept = page.waitForEvent('download');
      await choose(name);
      const download = await kept;
      assert.match(download.suggestedFilename(), file);
      const content = readFileSync(await download.path());
      assert.ok(name.endsWith('CSV') ? content.toString().startsWith('day,steps') : content.length > 2000);
    }
    await choose('Full screen');
    assert.ok((await panel.boundingBox()).width > 1300);
    await page.keyboard.press('Escape');
    assert.ok((await panel.boundingBox()).width < 1000);
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a query: completed, wrong, run, drawn, explained, followed', async () => {
    // A statement that is refused is a failed request to the browser.
    const { page, bad, close } = await open(browser, `${server.url}/query?schema=rankmysteps&sql=SELECT%201`, { allow: (text) => text.includes('status of 400') });
    await ready(page);
    const editor = page.getByLabel('SQL editor');
    const type = async (text) => {
      await editor.focus();
      await page.keyboard.press('Control+a');
      await page.keyboard.type(text);
    };
    await page.getByText('daily_totals').first().waitFor();
    await type('SELECT * FROM daily_tot');
    await page.locator('.cm-tooltip-autocomplete').getByText('daily_totals').waitFor();
    // The editor takes no choice in the first moments of a list.
    await page.waitForTimeout(200);
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('.cm-content').textContent.endsWith('FROM daily_totals'));
    await page.keyboard.press('Control+Enter');
    await page.getByRole('columnheader', { name: 'Users' }).waitFor();
    await page.getByRole('button', { name: 'Show as chart' }).click();
    await page.locator('[aria-label="Result"] canvas').first().waitFor();
    await shoot(page, 'query-chart-dark');
    await type('SELECT dai FROM daily_totals');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('alert').getByText('no column "dai"').waitFor();
    await page.locator('.cm-fault').getByText('dai').waitFor();
    await shoot(page, 'query-error-dark');
    await type('SELECT sum(steps) AS total FROM daily_totals');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('region', { name: 'Plan' }).filter({ hasText: 'read rankmysteps.daily_totals' }).waitFor();
    await page.getByRole('button', { name: 'Follow' }).click();
    const cell = page.locator('[aria-label="Result"] td');
    await cell.first().waitFor();
    const before = await cell.textContent();
    await page.waitForFunction((was) => document.querySelector('[aria-label="Result"] td').textContent !== was, before);
    await page.getByRole('button', { name: 'Stop' }).click();
    await type('SELECT count(*) FROM steps a JOIN steps b ON a.uuid = b.uuid');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Cancelled').waitFor();
    await page.getByRole('button', { name: 'Queries asked before' }).click();
    await page.getByRole('list', { name: 'Queries asked before' }).getByText('SELECT * FROM daily_totals').click();
    await page.waitForFunction(() => document.querySelector('.cm-content').textContent === 'SELECT * FROM daily_totals');
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a dashboard is written in the browser', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/edit/rankmysteps/new-page`, { allow: (text) => text.includes('status of 404') });
    const editor = page.getByLabel('Text of the dashboard');
    await editor.waitFor();
    const type = async (text) => {
      await editor.focus();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(text);
    };
    const panel = (sql) => `title = "Mine"\n[[panels]]\nid = "it"\ntitle = "It"\nkind = "number"\nvalue = "n"\nsql = "${sql}"\n`;
    await type(panel('SELECT 41 + 1 AS n'));
    await page.locator('[data-panel="it"] [data-value]').getByText('42').waitFor();
    await type(panel('SELECT 41 + 1 AS n').replace('kind', 'knd'));
    await page.getByRole('alert').getByText('did you mean kind?').waitFor();
    await type(panel('SELECT m FROM daily_totals'));
    await page.locator('[data-panel="it"]').getByText('no column "m"').waitFor();
    await type(panel('SELECT max(users) AS n FROM daily_totals'));
    await page.locator('[data-panel="it"] [data-value]').getByText('120').waitFor();
    const kept = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download', exact: true }).click();
    assert.equal((await kept).suggestedFilename(), 'new-page.toml');
    await page.reload();
    await page.locator('[data-panel="it"]').waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('the data: events, rejects, columns, lineage', async () => {
    const bodies = ['{"uuid": 1', '{"source":"6","steps":"many","uuid":1,"timestamp":"2016-02-02 18:41:39"}'];
    await fetch(`${server.url}/v1/streams/rankmysteps.steps/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: bodies.join('\n') });
    const { page, bad, close } = await open(browser, `${server.url}/data?of=rankmysteps.steps`);
    await ready(page);
    const about = page.getByRole('tabpanel');
    await about.getByRole('columnheader', { name: 'Ingested at' }).waitFor();
    await page.getByRole('tab', { name: 'Rejects' }).click();
    await about.getByText('{"uuid": 1').first().waitFor();
    await page.getByRole('tab', { name: 'Offsets' }).click();
    assert.equal(await about.locator('tbody tr').count(), 4);
    await page.getByRole('button', { name: 'materialized view daily_totals' }).click();
    await page.waitForURL(/of=rankmysteps\.daily_totals/);
    await page.getByRole('tab', { name: 'SQL' }).click();
    await about.getByText('FROM daily_steps').waitFor();
    await page.getByRole('button', { name: 'dashboard Top walkers' }).press('Enter');
    await page.getByRole('heading', { name: 'Top walkers', level: 1 }).waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('operations count by themselves', async () => {
    const { page, bad, close } = await open(browser, `${server.url}/operations`);
    await page.locator('section[aria-label="Time of an fsync"] canvas').waitFor();
    await page.getByText('rankmysteps.daily_steps').waitFor();
    assert.deepEqual(bad, []);
    await close();
  });

  await t.test('a tour of every page by keyboard', async (run) => {
    const told = [];
    for (const [name, path] of Object.entries(pages)) {
      const { page, bad, close } = await open(browser, server.url + path, { allow: (text) => text.includes('status of 404') });
      await ready(page);
      await page.waitForTimeout(500);
      const count = await page.evaluate(() => {
        const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable="true"]')];
        const reachable = all.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0);
        reachable.forEach((one, at) => (one.dataset.tour = String(at)));
        return reachable.length;
      });
      const seen = new Map();
      for (let step = 0; step < count + 60; step++) {
        await page.keyboard.press('Tab');
        const now = await page.evaluate(() => {
          const element = document.activeElement;
          if (!element || element === document.body) return null;
          const name = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.getAttribute('title') ?? element.textContent;
          const inEditor = element.classList.contains('cm-content');
          // Drawings mark their own edge instead of an outline.
          const marked = inEditor || element.ownerSVGElement || getComputedStyle(element).outlineStyle !== 'none';
          const moves = (element.closest('tr[data-key]') ?? element.querySelector('tr[data-key]')) !== null;
          return { moves, tour: element.dataset.tour, name: name.trim().replace(/\s+/g, ' ').slice(0, 60), role: element.getAttribute('role') ?? element.tagName.toLowerCase(), inEditor, marked: Boolean(marked) };
        });
        if (!now) break;
        assert.ok(now.name, `${name}: something without a name has the focus: ${now.role}`);
        assert.ok(now.marked, `${name}: ${now.name} has the focus and does not show it`);
        // A row that has moved up is met again, and so is a ranking whose last row had the focus and left.
        if (now.tour !== undefined && seen.has(now.tour) && !now.moves) break;
        seen.set(now.tour, `${now.role} ${now.name}`);
        // The editor takes Tab for itself until it is left with Escape.
        if (now.inEditor) await page.keyboard.press('Escape');
      }
      // Rows of a ranking may change places while the tour goes by.
      const missed = await page.evaluate((seen) => [...document.querySelectorAll('[data-tour]')].filter((one) => one.checkVisibility() && !one.closest('tr[data-key]') && !seen.includes(one.dataset.tour)).map((one) => one.outerHTML.slice(0, 120)), [...seen.keys()]);
      assert.deepEqual(missed, [], `${name}: these were not reached`);
      told.push(`${path}\n${[...seen.values()].map((one) => `  ${one}`).join('\n')}`);
      run.diagnostic(`${name}: ${seen.size} stops`);
      assert.deepEqual(bad, []);
      await close();
    }
    mkdirSync(shots, { recursive: true });
    writeFileSync(`${shots}/keyboard-tour.txt`, `${told.join('\n\n')}\n`);
  });

  await t.test('a keyboard reaches everything', async () => {
    const { page, bad, close } = await open(browser, server.url + pages.top);
    await ready(page);
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement;
        return element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent.trim().slice(0, 40);
      });
    const tour = [];
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press('Tab');
      tour.push(await focused());
    }
    assert.equal(tour[0], 'Skip to content');
    for (const name of ['Highwater, overview', 'Overview', 'Top walkers', 'Query', 'Day', 'Show the first', 'Walker', 'More about Ranking', 'Ranking, ranking']) {
      assert.ok(tour.includes(name), `${name} is not among ${tour.join(' | ')}`);
    }
    const visible = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none');
    assert.ok(visible, 'what has the focus shows it');
    await page.keyboard.press('Control+Home');
    await page.evaluate(() => document.querySelector('.skip').focus());
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => location.hash), '#main');
    assert.deepEqual(bad, []);
    await close();
  });
});
