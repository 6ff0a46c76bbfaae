// Two Chromium processes, each with one participant of the tests' harness page (web/harness).
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { repository } from './server.mjs';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required',
];
const tones = [440, 880];

/** Builds and serves the harness page at localhost, so that it is of another origin than the server. */
async function serveHarness() {
  const folder = await mkdtemp(path.join(tmpdir(), 'voicecluster-harness-'));
  await promisify(execFile)('node', ['build.mjs', '--harness', folder], { cwd: path.join(repository, 'web') });
  const files = { '/': ['index.html', 'text/html'], '/harness.js': ['harness.js', 'text/javascript'] };
  const site = createServer(async (request, response) => {
    const [name, type] = files[request.url] ?? [];
    response.writeHead(name ? 200 : 404, { 'content-type': `${type ?? 'text/plain'}; charset=utf-8` });
    response.end(name ? await readFile(path.join(folder, name)) : 'not found');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${site.address().port}/`,
    async close() {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Two browsers in one room, each heard by the other. */
export class BrowserRoom {
  #site;
  #browsers = [];
  #pages = [];

  async open(server) {
    this.#site = await serveHarness();
    for (const [i, toneHz] of tones.entries()) {
      const browser = await chromium.launch({ executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium', args: flags });
      this.#browsers.push(browser);
      const page = await browser.newPage();
      await page.goto(this.#site.url);
      await page.waitForFunction(() => window.harness !== undefined);
      await page.evaluate(([key, options]) => window.harness.join(key, options), [`p${i}`, { server, room: 'idle', user: `user${i}`, toneHz }]);
      this.#pages.push(page);
    }
    await this.hearEachOther();
  }

  /** Waits until each hears exactly the other's tone. */
  hearEachOther() {
    return Promise.all(this.#pages.map((page, i) =>
      page.waitForFunction(([key, tone]) => window.harness.hearsExactly(key, [tone]), [`p${i}`, tones[1 - i]], { timeout: 30_000 })));
  }

  /** Both mute as the page does: the track is disabled and the server told. Chromium goes on sending silence. */
  mute() {
    // A participant does not hear itself, so this resolves once the mute is acknowledged.
    return Promise.all(this.#pages.map((page, i) => page.evaluate((key) => window.harness.muteUntilSilent(key, key, false, 5_000), `p${i}`)));
  }

  unmute() {
    return Promise.all(this.#pages.map((page, i) => page.evaluate((key) => window.harness.unmute(key), `p${i}`)));
  }

  async close() {
    await Promise.all(this.#browsers.map((browser) => browser.close()));
    await this.#site?.close();
  }
}
