// log-filter.ts - which lines of a log are shown: all, or those of some of its streams. A line keeps its number; what is counted from
// 0 without gaps, for what stands on the screen, is called its place. New lines are taken one by one; only another choice goes through all.
import { STREAMS, type LineRange, type LogModel } from "./log-model";

/** Which streams are asked for, as indexes into STREAMS; none: all of them, so that there is always something to look at. */
export type Chosen = readonly number[];

/** The choice after a click on a stream: the first click shows only that one, the next adds another one or takes it out again. */
export function toggled(chosen: Chosen, stream: number): Chosen {
  const next = chosen.includes(stream) ? chosen.filter((each) => each !== stream) : [...chosen, stream].sort();
  return next.length === STREAMS.length ? [] : next;
}

export class LogFilter {
  /** How many lines each stream has, shown or not. */
  readonly counts: number[] = STREAMS.map(() => 0);
  /** The lines that are shown, in their order; null: all. */
  lines: number[] | null = null;
  private chosen: Chosen = [];
  private known = 0; // so many lines of the model were taken

  constructor(private readonly model: LogModel) {}

  /** How many lines are shown. */
  get length(): number {
    return this.lines?.length ?? this.known;
  }

  choose(chosen: Chosen): void {
    this.chosen = chosen;
    this.lines = chosen.length === 0 ? null : [];
    this.counts.fill(0);
    this.known = 0;
    this.update();
  }

  /** Take the lines that have come. One that has grown stays where it is. */
  update(): void {
    for (; this.known < this.model.length; this.known++) {
      const stream = this.model.streams[this.known] ?? 0;
      this.counts[stream] = (this.counts[stream] ?? 0) + 1;
      if (this.lines && this.chosen.includes(stream)) this.lines.push(this.known);
    }
  }

  /** Whether a line is shown. */
  has(line: number): boolean {
    return this.chosen.length === 0 || this.chosen.includes(this.model.streams[line] ?? 0);
  }

  /** Whether the first or the last line of a range is hidden. Between them lines may be: who marks two lines has not seen those. */
  hides(range: LineRange): boolean {
    return !this.has(range.from - 1) || !this.has(Math.min(range.to, this.model.length) - 1);
  }

  /** The line that stands in a place; the last one behind the end. */
  lineAt(place: number): number {
    return this.lines ? (this.lines[Math.min(place, this.lines.length - 1)] ?? 0) : place;
  }

  /** The place of a line, or of the next one that is shown. */
  placeOf(line: number): number {
    if (!this.lines) return line;
    let low = 0;
    let high = this.lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.lines[middle] ?? 0) < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many lines of a range are shown. */
  countIn(range: LineRange): number {
    return this.placeOf(Math.min(range.to, this.known)) - this.placeOf(Math.min(range.from - 1, this.known));
  }

  /** What is shown, as text; of a range what is shown of it. */
  text(range: LineRange | null = null): string {
    const last = range ? this.placeOf(Math.min(range.to, this.known)) : this.length;
    let text = "";
    for (let place = range ? this.placeOf(range.from - 1) : 0; place < last; place++) text += `${this.model.texts[this.lineAt(place)] ?? ""}\n`;
    return text;
  }
}
