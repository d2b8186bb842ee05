// customer-live.test.mjs - streams that break, servers that are away, tabs that nobody looks at: on a clock of the test's own.
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { load } from "./load.mjs";

const { backoffMs, Live } = await load("customer/live.ts");

/** A browser: its streams are opened and broken by the test, what is asked is answered by it. */
class Browser {
  streams = [];
  asked = [];
  heard = [];
  busy = true;
  answer = () => ({ status: 200, body: { seq: 7 }, etag: '"7"' });

  constructor({ streams = true } = {}) {
    mock.timers.reset();
    mock.timers.enable({ apis: ["setTimeout"] });
    this.now = 0;
    this.surroundings = {
      openStream: streams
        ? (address) => {
            const stream = Object.assign(new EventTarget(), { address, closed: false, close: () => (stream.closed = true) });
            this.streams.push(stream);
            return stream;
          }
        : null,
      fetch: async (address, { headers, signal }) => {
        this.asked.push({ address, etag: headers["if-none-match"] });
        const { status, body, etag } = this.answer();
        if (status === 0) throw new TypeError("no network");
        signal.throwIfAborted();
        return { status, ok: status === 200, json: async () => body, headers: new Headers(etag ? { etag } : {}) };
      },
      random: () => 0.5,
      now: () => this.now,
    };
    const ear = {
      state: (update) => this.heard.push(`state ${update.seq}`),
      activity: (line) => this.heard.push(`activity ${line.seq}`),
      connected: (yes) => this.heard.push(yes ? "connected" : "lost"),
      gone: () => this.heard.push("gone"),
      busy: () => this.busy,
    };
    this.live = new Live("/s/x", 3, ear, this.surroundings);
    this.live.start();
  }

  get stream() {
    return this.streams.at(-1);
  }

  /** Everything heard since the last call, without repeats of "connected". */
  since() {
    return this.heard.splice(0).filter((each, index, all) => each !== "connected" || all[index - 1] !== "connected");
  }

  async wait(ms) {
    this.now += ms;
    mock.timers.tick(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  send(name, data, stream = this.stream) {
    stream.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  async break() {
    this.stream.dispatchEvent(new Event("error"));
    await this.wait(0);
  }
}

test("it begins with a stream from the state that the page came with", async () => {
  const browser = new Browser();
  assert.equal(browser.stream.address, "/s/x/events?after=3");
  browser.send("activity", { seq: 4 });
  browser.send("state", { seq: 4 });
  assert.deepEqual(browser.since(), ["connected", "activity 4", "connected", "state 4"]);
  assert.deepEqual(browser.asked, []);
});

test("a stream that breaks is followed by one look and a new stream, from where the old one ended", async () => {
  const browser = new Browser();
  browser.send("activity", { seq: 5 });
  browser.since();
  await browser.break();
  assert.ok(browser.stream.closed);
  assert.deepEqual(browser.since(), ["lost"]);
  await browser.wait(backoffMs(1, 0.5));
  assert.deepEqual(browser.since(), ["state 7", "connected"]);
  assert.equal(browser.streams.length, 2);
  assert.equal(browser.stream.address, "/s/x/events?after=7");
});

test("a server that is away is asked with growing pauses, and all is well when it is back", async () => {
  const browser = new Browser();
  browser.answer = () => ({ status: 0 });
  await browser.break();
  for (const ms of [1, 2, 3, 4, 5, 6, 7].map((failures) => backoffMs(failures, 0.5))) {
    const before = browser.asked.length;
    await browser.wait(ms - 1);
    assert.equal(browser.asked.length, before, `not before ${ms} ms`);
    await browser.wait(1);
    assert.equal(browser.asked.length, before + 1, `after ${ms} ms`);
  }
  assert.equal(browser.streams.length, 1);
  browser.answer = () => ({ status: 200, body: { seq: 9 } });
  browser.since();
  await browser.wait(30000);
  assert.deepEqual(browser.since(), ["state 9", "connected"]);
  assert.equal(browser.streams.length, 2);
});

test("pauses grow to half a minute, and differ", () => {
  assert.deepEqual([1, 2, 3, 6, 40].map((failures) => backoffMs(failures, 1)), [1000, 2000, 4000, 30000, 30000]);
  assert.deepEqual([1, 6].map((failures) => backoffMs(failures, 0)), [500, 15000]);
});

test("where streams do not come through it asks: often while something happens, seldom else; unchanged costs nothing", async () => {
  const browser = new Browser();
  for (let i = 0; i < 3; i++) {
    await browser.break();
    await browser.wait(4000);
  }
  assert.equal(browser.streams.length, 3, "then it is enough");
  browser.answer = () => ({ status: 304 });
  browser.asked.length = 0;
  browser.since();
  await browser.wait(2000);
  await browser.wait(2000);
  assert.deepEqual(browser.asked.map((each) => each.etag), ['"7"', '"7"']);
  assert.deepEqual(browser.since(), ["connected"]);
  browser.busy = false;
  await browser.wait(2000);
  browser.asked.length = 0;
  await browser.wait(20000);
  assert.equal(browser.asked.length, 0);
  await browser.wait(40000);
  assert.equal(browser.asked.length, 1);
  assert.equal(browser.streams.length, 4, "a stream is tried again once in a while");
});

test("a browser without streams asks from the beginning", async () => {
  const browser = new Browser({ streams: false });
  assert.equal(browser.asked.length, 0);
  await browser.wait(2000);
  await browser.wait(2000);
  assert.equal(browser.asked.length, 2);
});

test("while nobody looks there is no stream; whoever looks again sees what is", async () => {
  const browser = new Browser();
  browser.live.hide();
  assert.ok(browser.stream.closed);
  browser.send("state", { seq: 8 }, browser.streams[0]);
  assert.deepEqual(browser.since(), [], "what comes late from a closed stream is not heard");
  await browser.wait(30000);
  assert.deepEqual(browser.since(), ["state 7", "connected"], "for the title of the tab");
  assert.equal(browser.streams.length, 1);
  browser.live.wake();
  await browser.wait(0);
  assert.deepEqual(browser.since(), ["state 7", "connected"]);
  assert.equal(browser.streams.length, 2);
});

test("a link that was revoked ends it", async () => {
  const browser = new Browser();
  browser.send("gone", {});
  assert.deepEqual(browser.since(), ["connected", "gone"]);
  assert.ok(browser.stream.closed);
  const other = new Browser();
  other.answer = () => ({ status: 410 });
  await other.break();
  await other.wait(1000);
  assert.deepEqual(other.since(), ["lost", "gone"]);
  await other.wait(600000);
  assert.equal(other.asked.length, 1);
  other.live.wake();
  assert.equal(other.streams.length, 1);
});

test("a connection that died without a word is found out", async () => {
  const browser = new Browser();
  browser.send("state", { seq: 5 });
  browser.answer = () => ({ status: 200, body: { seq: 5 }, etag: '"5"' });
  await browser.wait(30000);
  assert.equal(browser.streams.length, 1, "nothing new: it was only quiet");
  browser.answer = () => ({ status: 304 });
  await browser.wait(30000);
  assert.equal(browser.streams.length, 1);
  browser.answer = () => ({ status: 200, body: { seq: 6 }, etag: '"6"' });
  await browser.wait(30000);
  assert.equal(browser.streams.length, 2, "the stream should have said this");
  assert.ok(browser.streams[0].closed);
});
