// fake-stream.mjs - the browser's EventSource and the visibility of its tab, for tests that run in node. Timers are mocked.
import { mock } from "node:test";

/** The streams that were opened since forget(), oldest first. */
export const sources = [];
const watchers = new Set();
let hidden = false;

export class FakeSource {
  static CLOSED = 2;
  constructor(url) {
    Object.assign(this, { url, readyState: 0, heard: {} });
    sources.push(this);
  }
  addEventListener(name, heard) {
    this.heard[name] = heard;
  }
  open() {
    this.readyState = 1;
    this.onopen();
  }
  say(name, data, id = "") {
    this.heard[name]({ data: JSON.stringify(data), lastEventId: id });
  }
  refuse() {
    this.readyState = 2;
    this.onerror();
  }
  close() {
    this.readyState = 2;
  }
}

/** Hides the tab, or shows it again. */
export function hide(is) {
  hidden = is;
  watchers.forEach((watch) => watch());
}

export const watched = () => watchers.size;

export function forget() {
  sources.length = 0;
  hidden = false;
  watchers.clear();
}

globalThis.EventSource = FakeSource;
globalThis.document = {
  get hidden() {
    return hidden;
  },
  addEventListener: (_, watch) => watchers.add(watch),
  removeEventListener: (_, watch) => watchers.delete(watch),
};
mock.timers.enable({ apis: ["setTimeout"] });
