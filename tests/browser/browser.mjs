// browser.mjs - the distribution's Chromium, for tests that look at pages as people do.
//
//   const browser = new Browser();
//   before(() => browser.open());
//   after(() => browser.close());
//   const page = await browser.page();
//   await page.goto(...);
//   await browser.show(page, "login"); // pictures in light and dark, phone and desktop, and axe on each
//
// What a page complains of in its console, and what it asks of anybody but the server under test, is a failure.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../lib/world.mjs";

const require = createRequire(fileURLToPath(new URL("../../web/package.json", import.meta.url)));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const screens = join(build, "screens");

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 850 };

export class Browser {
  async open() {
    mkdirSync(screens, { recursive: true });
    this.chromium = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  }

  async close() {
    await this.chromium?.close();
  }

  /** A page in a context of its own (no cookies of others). page.complaints: what its console said in anger. */
  async page(options = {}) {
    const context = await this.chromium.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    page.complaints = [];
    page.asked = [];
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) page.complaints.push(`${message.text()} (${message.location().url})`);
    });
    page.on("request", (request) => page.asked.push(request.url()));
    return page;
  }

  /** That nothing was asked of anybody but this server, and the console is quiet but for what the test expects. */
  checkQuiet(page, base, expected = /^$/) {
    assert.deepEqual(page.asked.filter((url) => !url.startsWith(`${base}/`) && !url.startsWith("data:")), [], "asked of somebody else");
    assert.deepEqual(page.complaints.filter((text) => !expected.test(text)), [], "complaints in the console");
  }

  /** What axe finds on the page as it is. */
  async checkAccess(page, what) {
    await page.evaluate(`${axe};0`);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`).join("\n   ")}`);
    assert.deepEqual(found, [], `axe: ${what}`);
  }

  /** Nothing sticks out to the side. */
  async checkWidth(page, what) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - globalThis.innerWidth);
    assert.ok(over <= 0, `${what}: ${over} px wider than the window`);
  }

  path(name) {
    return join(screens, `${name}.png`);
  }

  /** Pictures of the page as it is, light and dark, on a phone and a desktop: build/screens/NAME-SCHEME-FORM.png; axe on each. */
  async show(page, name) {
    const before = page.viewportSize();
    for (const [form, size] of [["phone", PHONE], ["desktop", DESKTOP]]) {
      await page.setViewportSize(size);
      await this.checkWidth(page, `${name}, ${form}`);
      for (const scheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.screenshot({ path: this.path(`${name}-${scheme}-${form}`), fullPage: true });
        await this.checkAccess(page, `${name}, ${scheme}, ${form}`);
      }
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(before);
  }

  /** What a page and all it loads weigh as they come over the wire, in bytes; of what never ends nothing is counted. */
  async weigh(page, url) {
    const wire = await page.context().newCDPSession(page);
    await wire.send("Network.enable");
    let bytes = 0;
    wire.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
    await page.goto(url);
    await page.waitForTimeout(500);
    await wire.detach();
    return bytes;
  }
}
