// log-reader.svelte.ts - somebody reads the log of an attempt: how it looks, where he is in it, whether he follows its
// end, what he searches. LogView.svelte and its parts draw this; the log itself is the model's, the lines on the screen the window's.
import { clockMs } from "../../lib/time";
import type { Attempt, AttemptOutcome } from "../../lib/types";
import { BASE, router } from "../router.svelte";
import { t } from "../words";
import { LogModel, LogSearch, logText, parseRange, rangeHash, type LineRange } from "./log-model";
import { followLog, type LogState } from "./log-source";
import { LogWindow, ROW_PX } from "./log-window";

const SEEN = "berth.log"; // what somebody likes stays so

function liked(): { times?: boolean; wrap?: boolean } {
  try {
    return JSON.parse(localStorage.getItem(SEEN) ?? "{}");
  } catch {
    return {};
  }
}

export interface LogPlaces {
  view: HTMLElement;
  space: HTMLElement;
  sheet: HTMLElement;
}

export class LogReader {
  times = $state(liked().times ?? true);
  wrap = $state(liked().wrap ?? false);
  lines = $state(0);
  /** the lines that the address names */
  readonly range = $derived(parseRange(router.hash));
  phase = $state<LogState>("loading");
  sentence = $state("");
  removed = $state(false);
  truncated = $state(false);
  outcome = $state<AttemptOutcome | "">("");
  follows = $state(true);
  needle = $state("");
  matches = $state(0);
  /** which of them; -1 none */
  match = $state(-1);
  /** there are more matches than are counted */
  full = $state(false);

  readonly #address: () => string;
  readonly #model = new LogModel();
  #window: LogWindow | null = null;
  #view: HTMLElement | null = null;
  #search: LogSearch | null = null;
  #frame = 0;
  #dirty = false;
  #top = 0; // where it was scrolled to when that was last looked at
  #wanted: LineRange | null = null; // lines of the address that are not there yet

  /** @param address  of this view below /admin, without a line */
  constructor(address: () => string) {
    this.#address = address;
  }

  /** @return ends it */
  start({ view, space, sheet }: LogPlaces, attempt: Attempt): () => void {
    this.#view = view;
    this.#window = new LogWindow(view, space, sheet, this.#model, {
      stream: (index) => t(index === 0 ? "log.stream.berth" : index === 1 ? "log.stream.stdout" : "log.stream.stderr"),
      short: (index) => t(index === 0 ? "log.short.berth" : index === 1 ? "log.short.stdout" : "log.short.stderr"),
      line: (number) => t("log.line", { n: number }),
      clock: (ms) => (ms ? clockMs(new Date(ms).toISOString()) : ""),
      href: (number) => `${BASE}${this.#address()}#L${number}`,
    });
    this.redraw();
    const watch = new ResizeObserver(() => this.redraw());
    watch.observe(view);
    const stop = followLog(attempt.id, this.#model, {
      changed: () => {
        this.#dirty = true;
        this.#schedule();
      },
      state: (now, why) => {
        this.phase = now;
        this.sentence = why;
      },
      ended: (how) => {
        this.outcome = how.outcome;
        this.removed = how.removed_at !== null;
        this.truncated = this.truncated || how.truncated;
      },
    });
    return () => {
      stop();
      watch.disconnect();
      cancelAnimationFrame(this.#frame);
      this.#window = null;
    };
  }

  /** Times and wrapping are kept for the next log. */
  keepLiked(): void {
    try {
      localStorage.setItem(SEEN, JSON.stringify({ times: this.times, wrap: this.wrap }));
    } catch {
      // nothing is kept then
    }
    this.redraw();
  }

  /** Something about how lines look has changed: draw them anew, from the first line in sight. */
  redraw(): void {
    const shown = this.#window;
    const view = this.#view;
    if (!shown || !view) return;
    const top = shown.topLine();
    shown.look = { times: this.times, wrap: this.wrap, range: this.range, search: this.#search, match: this.match };
    shown.redraw();
    shown.measure();
    if (this.follows) this.#dirty = true;
    else if (view.scrollTop > 0) view.scrollTop = shown.rows.rowOf(top) * ROW_PX;
    this.#schedule();
  }

  // ---- where in it --------------------------------------------------------------------------------------------------

  /** The address names lines, or none any more. */
  go(range: LineRange | null): void {
    this.#wanted = range;
    if (range) this.#dirty = true;
    this.redraw();
  }

  #goWanted(wanted: LineRange): void {
    if (this.#model.length < wanted.from) return;
    this.follows = false;
    this.#window?.show(wanted.from - 1);
    if (this.#model.length >= wanted.to || this.phase === "ended") this.#wanted = null;
  }

  /** A line's number was clicked: a link to it; with shift up to it; once more: none. */
  pick(line: number, extend: boolean): void {
    const range = this.range;
    const same = range?.from === line && range.to === line;
    const next = extend && range ? { from: Math.min(range.from, line), to: Math.max(range.from, line) } : { from: line, to: line };
    this.follows = false;
    router.go(this.#address() + (same ? "" : rangeHash(next)), { replace: true });
  }

  /** The log as text, or the lines of it that were chosen. */
  text(): string {
    return this.range ? logText(this.#model, this.range.from - 1, this.range.to - 1) : logText(this.#model);
  }

  /** The whole log, with moments and streams. */
  wholeText(): string {
    return logText(this.#model, 0, this.#model.length - 1, true);
  }

  scrolled(): void {
    if (!this.#view) return;
    const { scrollTop: top, clientHeight, scrollHeight } = this.#view;
    if (top + clientHeight >= scrollHeight - 4) this.follows = true;
    else if (top < this.#top) this.follows = false;
    this.#top = top;
    this.#schedule();
  }

  toEnd(): void {
    this.follows = true;
    if (this.#view) this.#view.scrollTop = this.#view.scrollHeight;
    this.focus();
  }

  focus(): void {
    this.#view?.focus({ preventScroll: true });
  }

  // ---- search ---------------------------------------------------------------------------------------------------------

  find(): void {
    this.#searchAnew();
    this.match = this.#search?.firstFrom(this.#window?.topLine() ?? 0) ?? -1;
    this.#toMatch();
  }

  step(by: 1 | -1): void {
    if (this.matches === 0) return;
    this.match = this.match < 0 ? (by > 0 ? 0 : this.matches - 1) : (this.match + by + this.matches) % this.matches;
    this.#toMatch();
  }

  #searchAnew(): void {
    this.#search = this.needle.trim() === "" ? null : new LogSearch(this.needle);
    this.#searchFrom(0);
  }

  #searchFrom(changed: number): void {
    this.#search?.run(this.#model, changed);
    this.matches = this.#search?.count ?? 0;
    this.full = this.#search?.full ?? false;
  }

  #toMatch(): void {
    const line = this.match >= 0 ? this.#search?.lines[this.match] : undefined;
    if (line !== undefined) {
      this.follows = false;
      this.#window?.show(line);
    }
    this.redraw();
  }

  // ---- drawing ------------------------------------------------------------------------------------------------------

  #schedule(): void {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  /** Everything that has changed since the last frame, at once. */
  #draw(): void {
    this.#frame = 0;
    const view = this.#view;
    if (!this.#window || !view) return;
    if (this.#dirty) {
      this.#dirty = false;
      const changed = this.#model.taken();
      this.#window.update(changed);
      this.#searchFrom(changed);
      this.lines = this.#model.length;
      if (this.#wanted) this.#goWanted(this.#wanted);
      else if (this.follows) {
        view.scrollTop = view.scrollHeight;
        this.#top = view.scrollTop;
      }
    }
    this.#window.paint();
  }
}
