// log-reader.svelte.ts - somebody reads the log of an attempt: what of it is shown and how, where he is in it, whether he follows its
// end, what he searches. LogView.svelte and its parts draw this; the log itself is the model's, the lines on the screen the window's.
import { clockMs } from "../../lib/time";
import type { AttemptOutcome } from "../../lib/types";
import { BASE, router } from "../router.svelte";
import { toasts } from "../ui/toasts.svelte";
import { t } from "../words";
import { LogFilter, toggled, type Chosen } from "./log-filter";
import { LogModel, LogSearch, logText, parseRange, rangeHash, type LineRange } from "./log-model";
import type { LogSource, LogState } from "./log-source";
import { LogWindow, type Spot } from "./log-window";

const SEEN = "berth.log"; // what somebody likes stays so; the filter does not: what is hidden in the next log would be missed there

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
  /** lines of the log, and of each stream */
  lines = $state(0);
  counts = $state.raw<readonly number[]>([0, 0, 0]);
  /** the streams that are shown, see log-filter.ts; and how many lines that are */
  chosen = $state.raw<Chosen>([]);
  shown = $state(0);
  /** the lines that the address names, and how many of them are shown */
  readonly range = $derived(parseRange(router.hash));
  rangeShown = $state(0);
  phase = $state<LogState>("loading");
  sentence = $state("");
  removed = $state(false);
  truncated = $state(false);
  outcome = $state<AttemptOutcome | "">("");
  follows = $state(true);
  endInSight = $state(true);
  needle = $state("");
  matches = $state(0);
  /** which of them; -1 none */
  match = $state(-1);
  /** there are more matches than are counted */
  full = $state(false);

  readonly #address: () => string;
  readonly #model = new LogModel();
  readonly #filter = new LogFilter(this.#model);
  #window: LogWindow | null = null;
  #view: HTMLElement | null = null;
  #search: LogSearch | null = null;
  #frame = 0;
  #dirty = false;
  #top = 0; // where it was scrolled to when that was last looked at
  #wanted: LineRange | null = null; // lines of the address that are not there yet; given up when the reader moves himself
  #spot: Spot | null = null; // where somebody was when he chose streams; until he moves himself, every other choice leads back there

  /** @param address  of this view below /admin, without a line */
  constructor(address: () => string) {
    this.#address = address;
  }

  /** @return ends it */
  start({ view, space, sheet }: LogPlaces, source: LogSource): () => void {
    this.#view = view;
    this.#window = new LogWindow(view, space, sheet, this.#model, this.#filter, {
      stream: (index) => t(index === 0 ? "log.stream.berth" : index === 1 ? "log.stream.stdout" : "log.stream.stderr"),
      short: (index) => t(index === 0 ? "log.short.berth" : index === 1 ? "log.short.stdout" : "log.short.stderr"),
      line: (number) => t("log.line", { n: number }),
      clock: (ms) => (ms ? clockMs(new Date(ms).toISOString()) : ""),
      href: (number) => `${BASE}${this.#address()}#L${number}`,
    });
    this.redraw();
    const watch = new ResizeObserver(() => this.redraw());
    watch.observe(view);
    const stop = source(this.#model, {
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

  /** Something about how lines look has changed: draw them anew, where the reader is. */
  redraw(spot = this.#spot ?? this.#here()): void {
    const shown = this.#window;
    if (!shown) return;
    shown.look = { times: this.times, wrap: this.wrap, range: this.range, search: this.#search, match: this.match };
    shown.redraw();
    shown.measure();
    if (this.follows) this.#dirty = true;
    else if (spot) shown.restore(spot);
    this.#top = this.#view?.scrollTop ?? 0;
    this.#schedule();
  }

  // ---- which lines --------------------------------------------------------------------------------------------------

  /** Show all streams, or after a click on one of them what that means, see toggled(). */
  choose(stream: number | null): void {
    this.#show(stream === null ? [] : toggled(this.chosen, stream));
  }

  #show(chosen: Chosen): void {
    this.#spot ??= this.#here();
    this.chosen = chosen;
    this.#filter.choose(chosen);
    this.#window?.refilter();
    this.#count();
    if (this.#search) {
      const [line, column] = this.match < 0 ? [this.#spot?.line ?? 0, 0] : [this.#search.lines[this.match], this.#search.columns[this.match]];
      this.#searchAnew();
      this.match = this.#search.firstFrom(line ?? 0, column);
    }
    this.redraw();
  }

  #count(): void {
    this.lines = this.#model.length;
    this.shown = this.#filter.length;
    this.counts = [...this.#filter.counts];
    this.rangeShown = this.range ? this.#filter.countIn(this.range) : 0;
  }

  /** The address names lines, or none any more. Hidden ones are shown again, with all others: who sent the link saw them. */
  go(range: LineRange | null): void {
    this.#wanted = range;
    this.#spot = null;
    if (range) this.#dirty = true;
    this.#count();
    this.redraw();
  }

  /** To lines of the address, as soon as the first of them is there. @return whether it is */
  #goWanted(wanted: LineRange): boolean {
    const there = this.#model.length >= wanted.from;
    if (there || this.phase === "ended") this.#wanted = null;
    if (!there) return false;
    this.follows = false;
    if (this.#filter.hides(wanted)) {
      this.#show([]);
      toasts.done(t("log.all-again"));
    }
    this.#spot = null;
    this.#window?.show(wanted.from - 1);
    this.#top = this.#view?.scrollTop ?? 0;
    return true;
  }

  /** A line's number was clicked: a link to it; with shift up to it; once more: none. */
  pick(line: number, extend: boolean): void {
    const range = this.range;
    const same = range?.from === line && range.to === line;
    const next = extend && range ? { from: Math.min(range.from, line), to: Math.max(range.from, line) } : { from: line, to: line };
    this.follows = false;
    router.go(this.#address() + (same ? "" : rangeHash(next)), { replace: true });
  }

  /** What is shown, of lines that were chosen those; all of it when none of them is shown. */
  shownText(): string {
    return this.#filter.text(this.rangeShown > 0 ? this.range : null);
  }

  /** The whole log, whatever is shown, with moments and streams. */
  wholeText(): string {
    return logText(this.#model, 0, this.#model.length - 1, true);
  }

  // ---- where in it --------------------------------------------------------------------------------------------------

  /** Where the reader is: at the match or the line he looks at, when it is in sight. */
  #here(): Spot | null {
    const line = this.match >= 0 ? this.#search?.lines[this.match] : undefined;
    return this.#window?.spot(line ?? (this.range ? this.range.from - 1 : null)) ?? null;
  }

  scrolled(): void {
    if (!this.#view) return;
    const { scrollTop: top, clientHeight, scrollHeight } = this.#view;
    const at_end = top + clientHeight >= scrollHeight - 4;
    // what did not move down has not reached the end: it became shorter around somebody who reads elsewhere
    if (at_end && top > this.#top) this.follows = true;
    else if (!at_end && top < this.#top) this.follows = false;
    if (top !== this.#top) this.#spot = this.#wanted = null;
    this.#top = top;
    this.#schedule();
  }

  toEnd(): void {
    this.follows = true;
    this.#spot = this.#wanted = null;
    if (this.#view) this.#view.scrollTop = this.#view.scrollHeight;
    this.focus();
  }

  focus(): void {
    this.#view?.focus({ preventScroll: true });
  }

  // ---- search: in what is shown -------------------------------------------------------------------------------------

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
    this.#search = this.needle.trim() === "" ? null : new LogSearch(this.needle, (line) => this.#filter.has(line));
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
      this.#spot = this.#wanted = null;
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
      this.#filter.update();
      this.#window.update(changed);
      this.#searchFrom(changed);
      this.#count();
      const went = this.#wanted !== null && this.#goWanted(this.#wanted);
      if (!went && this.follows) {
        view.scrollTop = view.scrollHeight;
        this.#top = view.scrollTop;
      }
    }
    this.endInSight = this.#window.endInSight;
    this.#window.paint();
  }
}
