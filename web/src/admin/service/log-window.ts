// log-window.ts - draws the lines of a log that can be seen, and no others. Plain elements that are kept while their line stays in
// sight: a mark that somebody has made with the mouse survives new lines. Whoever asks names lines of the whole log; what is
// drawn stands in places, see log-filter.ts.
import type { LogFilter } from "./log-filter";
import { STREAMS, type LineRange, type LogModel, type LogSearch } from "./log-model";
import { RowIndex } from "./rows";

export const ROW_PX = 20;
const BEYOND = 24; // lines above and below what is seen

export interface LogLook {
  times: boolean;
  wrap: boolean;
  range: LineRange | null;
  search: LogSearch | null;
  /** which of the search's matches; -1 none */
  match: number;
}

export interface LogWords {
  /** the name of a stream, shown in front of its lines */
  stream: (index: number) => string;
  /** the same where there is little room */
  short: (index: number) => string;
  /** what a line's number is called: "Line 12" */
  line: (number: number) => string;
  clock: (ms: number) => string;
  /** the address of a line */
  href: (number: number) => string;
}

/** A line, and how far below the upper edge of what is seen it stands, in px. */
export interface Spot {
  line: number;
  below: number;
}

export class LogWindow {
  private readonly rows = new RowIndex();
  look: LogLook = { times: false, wrap: false, range: null, search: null, match: -1 };
  private readonly drawn = new Map<number, HTMLElement>(); // by place
  private first = 0;
  private last = 0; // behind the last one drawn

  constructor(
    private readonly view: HTMLElement,
    private readonly space: HTMLElement,
    private readonly sheet: HTMLElement,
    private readonly model: LogModel,
    private readonly filter: LogFilter,
    private readonly words: LogWords,
  ) {}

  /** Lines from `changed` on are new or have grown. */
  update(changed: number): void {
    const from = this.filter.placeOf(changed);
    this.rows.update(this.model.texts, from, this.filter.lines);
    for (const [place, element] of this.drawn) if (place >= from) this.fill(element, place);
    this.space.style.height = `${this.rows.total * ROW_PX}px`;
    const digits = Math.max(3, String(this.model.length).length);
    this.sheet.style.setProperty("--digits", `${digits}ch`);
  }

  /** Other lines are shown than before. */
  refilter(): void {
    this.clear();
    this.update(0);
  }

  /** The look has changed: everything that is seen is drawn anew. */
  redraw(): void {
    this.sheet.classList.toggle("with-times", this.look.times);
    this.sheet.classList.toggle("wrapped", this.look.wrap);
    for (const [place, element] of this.drawn) this.fill(element, place);
  }

  /** How many characters fit into a row; to be called when the width or the look has changed. */
  measure(): void {
    let columns = 0;
    if (this.look.wrap) {
      const probe = document.createElement("div");
      probe.className = "log-line";
      probe.innerHTML = '<span class="log-number"></span><span class="log-time"></span><span class="log-stream"></span><span class="log-text"><span></span></span>';
      const inner = probe.querySelector<HTMLElement>(".log-text > span");
      const cell = probe.querySelector<HTMLElement>(".log-text");
      if (inner) inner.textContent = "0".repeat(20);
      this.sheet.append(probe);
      const width = (inner?.getBoundingClientRect().width ?? 0) / 20;
      const room = cell ? this.view.clientWidth - (cell.getBoundingClientRect().left - this.sheet.getBoundingClientRect().left) - 12 : 0;
      probe.remove();
      columns = width > 0 ? Math.max(10, Math.floor(room / width)) : 80;
    }
    if (this.rows.setColumns(columns)) this.update(0);
  }

  /** Draw what can be seen now. */
  paint(): void {
    const count = this.filter.length;
    const top = Math.floor(this.view.scrollTop / ROW_PX);
    const first = count === 0 ? 0 : Math.max(0, this.rows.lineAt(top) - BEYOND);
    const last = count === 0 ? 0 : Math.min(count, this.rows.lineAt(top + Math.ceil(this.view.clientHeight / ROW_PX)) + 1 + BEYOND);
    if (first >= this.last || last <= this.first) this.clear();
    for (const [place, element] of this.drawn) {
      if (place >= first && place < last) continue;
      element.remove();
      this.drawn.delete(place);
    }
    this.insert(first, last);
    this.first = first;
    this.last = last;
    this.sheet.style.transform = `translateY(${this.rows.rowOf(first) * ROW_PX}px)`;
  }

  /** Bring a line into sight, in the middle when it was out of it. */
  show(line: number): void {
    const from = this.topOf(line);
    const { scrollTop, clientHeight } = this.view;
    if (from < scrollTop + ROW_PX || from > scrollTop + clientHeight - 3 * ROW_PX) this.view.scrollTop = Math.max(0, from - clientHeight / 2);
  }

  /** The first line in sight. */
  topLine(): number {
    return this.filter.lineAt(this.rows.lineAt(Math.floor(this.view.scrollTop / ROW_PX)));
  }

  /** Where the reader is: at a line that matters to him when that is in sight, else at the uppermost one. */
  spot(matters: number | null): Spot {
    if (matters !== null && this.filter.has(matters)) {
      const below = this.topOf(matters) - this.view.scrollTop;
      if (below >= 0 && below < this.view.clientHeight) return { line: matters, below };
    }
    return { line: this.topLine(), below: 0 };
  }

  /** Scroll so that the line stands where it stood, or the next one that is shown. */
  restore(spot: Spot): void {
    this.view.scrollTop = this.topOf(spot.line) - spot.below;
  }

  /** Whether the last line can be seen. */
  get endInSight(): boolean {
    return this.rows.total * ROW_PX <= this.view.scrollTop + this.view.clientHeight;
  }

  private topOf(line: number): number {
    return this.rows.rowOf(this.filter.placeOf(line)) * ROW_PX;
  }

  private clear(): void {
    this.drawn.clear();
    this.sheet.replaceChildren();
  }

  private insert(first: number, last: number): void {
    let before: HTMLElement | null = null; // goes through what is there, from the end
    for (let place = last - 1; place >= first; place--) {
      let element = this.drawn.get(place);
      if (!element) {
        element = document.createElement("div");
        this.fill(element, place);
        this.sheet.insertBefore(element, before);
        this.drawn.set(place, element);
      }
      before = element;
    }
  }

  private fill(element: HTMLElement, place: number): void {
    const line = this.filter.lineAt(place);
    const stream = this.model.streams[line] ?? 0;
    const range = this.look.range;
    const chosen = range !== null && line + 1 >= range.from && line + 1 <= range.to;
    element.className = `log-line of-${STREAMS[stream] ?? "berth"}${chosen ? " chosen" : ""}`;
    const number = document.createElement("a");
    number.className = "log-number";
    number.href = this.words.href(line + 1);
    number.tabIndex = -1;
    number.dataset["line"] = String(line + 1);
    number.setAttribute("aria-label", this.words.line(line + 1));
    const time = document.createElement("span");
    time.className = "log-time";
    if (this.look.times) time.dataset["clock"] = this.words.clock(this.model.moments[line] ?? 0);
    const label = document.createElement("span");
    label.className = "log-stream";
    label.dataset["stream"] = this.words.stream(stream);
    label.dataset["short"] = this.words.short(stream);
    const text = document.createElement("span");
    text.className = "log-text";
    this.fillText(text, line);
    element.replaceChildren(number, time, label, text);
  }

  private fillText(place: HTMLElement, line: number): void {
    const text = this.model.texts[line] ?? "";
    const search = this.look.search;
    const matches = search ? matchesIn(search, line) : [];
    if (!search || matches.length === 0) {
      place.textContent = text;
      return;
    }
    let at = 0;
    for (const index of matches) {
      const column = search.columns[index] ?? 0;
      place.append(text.slice(at, column));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(column, column + search.needle.length);
      if (index === this.look.match) mark.className = "current";
      place.append(mark);
      at = column + search.needle.length;
    }
    place.append(text.slice(at));
  }
}

function matchesIn(search: LogSearch, line: number): number[] {
  const found: number[] = [];
  let at = search.firstFrom(line);
  while (at >= 0 && at < search.count && search.lines[at] === line) found.push(at++);
  return found;
}
