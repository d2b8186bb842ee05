// live.ts - keeps the page up to date: a stream of events, polling where streams do not come through, patience with both.
//
// A stream that ends is followed, after a pause that grows and differs from browser to browser, by one look at /state; when that
// answers, by a new stream. After some streams that brought nothing it stays with looking, and tries a stream once a minute.
// The browser does not tell scripts of a stream's heartbeat, so that a dead connection would look like a quiet one: when nothing has
// come for a while, /state is asked whether there was really nothing.
import type { Activity, State } from "./state";
import type { Update } from "./view";

export interface Ear {
  state(update: Update): void;
  activity(line: Activity): void;
  connected(yes: boolean): void;
  /** The link was revoked, or the service has ended. */
  gone(): void;
  /** Whether something is happening, which is worth asking often for. */
  busy(): boolean;
}

/** What this needs of a browser; a test brings its own. */
export interface Surroundings {
  openStream: ((address: string) => EventSource) | null;
  fetch: typeof fetch;
  random(): number;
  now(): number;
}

export const browser: Surroundings = {
  openStream: typeof EventSource === "undefined" ? null : (address) => new EventSource(address),
  fetch: (...args) => fetch(...args),
  random: Math.random,
  now: () => Date.now(),
};

const STREAM_FAILURES_MAX = 3;
const STREAM_AGAIN_MS = 60000;
const BUSY_MS = 2000;
const IDLE_MS = 30000;
const QUIET_BUSY_MS = 30000;
const QUIET_IDLE_MS = 300000;
const POLL_LIMIT_MS = 15000;
const BACKOFF_MAX_MS = 30000;

/** The pause after the n-th failure in a row: half of it certain, half by chance. */
export function backoffMs(failures: number, random: number): number {
  const most = Math.min(BACKOFF_MAX_MS, 1000 * 2 ** Math.min(failures - 1, 10));
  return most / 2 + (random * most) / 2;
}

export class Live {
  private source: EventSource | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: AbortController | null = null;
  private etag: string | null = null;
  private failures = 0; // in a row, of any kind
  private streamFailures = 0; // streams in a row that brought nothing
  private streamTriedAt = 0;
  private hidden = false;
  private over = false;

  constructor(
    private readonly address: string,
    private seq: number,
    private readonly ear: Ear,
    private readonly around: Surroundings = browser,
  ) {}

  /** Begin, with the state that the page came with. */
  start(): void {
    if (this.around.openStream) this.stream();
    else this.later(() => this.poll(), this.pause());
  }

  stop(): void {
    this.over = true;
    this.halt();
  }

  /** The tab is not looked at: no stream. What happens meanwhile is still asked for now and then, for the tab's title. */
  hide(): void {
    this.hidden = true;
    this.halt();
    if (this.ear.busy()) this.later(() => this.poll(), IDLE_MS);
  }

  /** The tab is looked at again, or the network is back: catch up at once. */
  wake(): void {
    this.hidden = false;
    this.failures = 0;
    if (this.over) return;
    this.halt();
    this.poll();
  }

  private halt(): void {
    this.source?.close();
    this.source = null;
    this.asking?.abort();
    this.asking = null;
    clearTimeout(this.timer);
  }

  private later(what: () => void, ms: number): void {
    clearTimeout(this.timer);
    if (!this.over) this.timer = setTimeout(what, ms);
  }

  private pause(): number {
    const ms = this.hidden || !this.ear.busy() ? IDLE_MS : BUSY_MS;
    return ms * (0.9 + 0.2 * this.around.random());
  }

  // ---- the stream ---------------------------------------------------------------------------------------------------

  private stream(): void {
    const source = this.around.openStream!(`${this.address}/events?after=${this.seq}`);
    this.halt();
    this.source = source;
    this.streamTriedAt = this.around.now();
    this.guardQuiet();
    const on = (name: string, hear: (data: string) => void) =>
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.streamFailures = this.failures = 0;
        this.ear.connected(true);
        this.guardQuiet();
        hear((event as MessageEvent<string>).data);
      });
    on("state", (data) => {
      this.etag = null; // it was that of another state
      this.hearState(JSON.parse(data) as Update);
    });
    on("activity", (data) => this.hearActivity(JSON.parse(data) as Activity));
    on("gone", () => this.leave());
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      this.streamFailures++;
      this.fail();
    });
  }

  private guardQuiet(): void {
    this.later(() => this.checkQuiet(), this.ear.busy() ? QUIET_BUSY_MS : QUIET_IDLE_MS);
  }

  /** Nothing came for a while. If /state knows something new, the stream is dead, and begins anew. */
  private async checkQuiet(): Promise<void> {
    const source = this.source;
    const { etag, seq } = this;
    const answer = await this.ask();
    if (answer === null || source !== this.source) return;
    if (answer === "failed") this.fail();
    else if (answer === "new" && (etag !== null || this.seq > seq)) this.stream();
    else this.guardQuiet();
  }

  // ---- asking -------------------------------------------------------------------------------------------------------

  private async poll(): Promise<void> {
    const answer = await this.ask();
    if (answer === null) return;
    if (answer === "failed") return this.fail();
    this.failures = 0;
    this.ear.connected(true);
    const patience = this.streamFailures < STREAM_FAILURES_MAX || this.around.now() - this.streamTriedAt >= STREAM_AGAIN_MS;
    if (this.around.openStream && !this.hidden && patience) this.stream();
    else if (!this.hidden || this.ear.busy()) this.later(() => this.poll(), this.pause());
  }

  /** @return null when nobody waits for the answer any more */
  private async ask(): Promise<"new" | "same" | "failed" | null> {
    const asking = (this.asking = new AbortController());
    const limit = setTimeout(() => asking.abort(), POLL_LIMIT_MS);
    try {
      const answer = await this.around.fetch(`${this.address}/state`, {
        headers: { accept: "application/json", ...(this.etag !== null && { "if-none-match": this.etag }) },
        cache: "no-store",
        signal: asking.signal,
      });
      if (asking !== this.asking) return null;
      if (answer.status === 304) return "same";
      if (answer.status === 404 || answer.status === 410) {
        this.leave();
        return null;
      }
      if (!answer.ok) return "failed";
      const state = (await answer.json()) as State;
      if (asking !== this.asking) return null;
      this.etag = answer.headers.get("etag");
      this.hearState(state);
      return "new";
    } catch {
      return asking === this.asking ? "failed" : null;
    } finally {
      clearTimeout(limit);
    }
  }

  // ---- both ---------------------------------------------------------------------------------------------------------

  private fail(): void {
    this.halt();
    this.failures++;
    this.ear.connected(false);
    this.later(() => this.poll(), backoffMs(this.failures, this.around.random()));
  }

  private hearState(update: Update): void {
    this.seq = Math.max(this.seq, update.seq);
    this.ear.state(update);
  }

  private hearActivity(line: Activity): void {
    this.seq = Math.max(this.seq, line.seq);
    this.ear.activity(line);
  }

  private leave(): void {
    this.stop();
    this.ear.gone();
  }
}
