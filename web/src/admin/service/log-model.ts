// log-model.ts - the lines of an attempt's log, put together from the pieces in which it comes. No page in here.
//
// The log is bytes; every piece says where it begins, and `cursor` is how far we have them all. A piece that comes twice (after a
// connection broke) is dropped, one that would leave a gap is refused: the reader asks again from the cursor. A line that has
// not ended yet is shown and grows; what another stream says meanwhile is a line of its own. Lines stand in plain arrays: a hundred
// thousand of them are three arrays, not a hundred thousand objects.

export type Stream = "berth" | "stdout" | "stderr";
export interface LogChunk {
  offset: number;
  at: string | null;
  stream: Stream;
  text: string;
}

export const STREAMS: readonly Stream[] = ["berth", "stdout", "stderr"];

/* Colours, cursor moves, titles: what a terminal would swallow. */
const ESCAPES = /\x1b(?:\[[0-9:;<=>?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-OQ-WYZ\\`-~])/g;
const UNFINISHED = /\x1b(?:\[[0-9:;<=>?]*[ -/]*|\][^\x07\x1b]*|[PX^_][^\x1b]*|[ -/]*)$/;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f]/g;
const SPECIAL = /[\x00-\x08\x0b-\x1f\x7f]/;

/** A line as a terminal would leave it: no colours, and of a line that was written over (a progress bar) the last state. */
export function plainLine(raw: string): string {
  if (!SPECIAL.test(raw)) return raw;
  let text = raw.replace(ESCAPES, "").replace(UNFINISHED, "");
  if (text.includes("\r")) {
    const parts = text.split("\r").filter((part) => part !== "");
    text = parts[parts.length - 1] ?? "";
  }
  return text.replace(CONTROLS, (character) => (character === "\x7f" ? "␡" : String.fromCharCode(0x2400 + character.charCodeAt(0))));
}

export class LogModel {
  readonly texts: string[] = [];
  readonly streams: number[] = []; // index into STREAMS
  readonly moments: number[] = []; // ms, when its first piece came; 0 unknown
  /** The byte behind the last one that we have. */
  cursor = 0;
  /** The first line that has changed since `taken()`: lines from here on are new or have grown. */
  private dirty = 0;
  private readonly open: (number | null)[] = [null, null, null]; // the line of each stream that has not ended
  private readonly raw: string[] = ["", "", ""]; // and what it was made from

  get length(): number {
    return this.texts.length;
  }

  /**
   * Add a piece.
   * @param end  where the next one begins
   * @return false: bytes between the cursor and this piece are missing; nothing was added
   */
  add(chunk: LogChunk, end: number): boolean {
    if (end <= this.cursor) return true;
    if (chunk.offset > this.cursor) return false;
    let text = chunk.text;
    if (chunk.offset < this.cursor) {
      const bytes = new TextEncoder().encode(text);
      text = new TextDecoder().decode(bytes.subarray(this.cursor - chunk.offset));
    }
    this.cursor = end;
    this.append(Math.max(0, STREAMS.indexOf(chunk.stream)), chunk.at ? Date.parse(chunk.at) : 0, text);
    return true;
  }

  /** Add an answer of the server: its pieces and where the next answer begins. @return false: there is a gap, see add() */
  addAll(chunks: readonly LogChunk[], nextOffset: number): boolean {
    for (let i = 0; i < chunks.length; i++) {
      const chunk = chunks[i];
      if (chunk && !this.add(chunk, chunks[i + 1]?.offset ?? nextOffset)) return false;
    }
    return true;
  }

  /** Nothing more comes: lines that have not ended are as they are. */
  finish(): void {
    this.open.fill(null);
  }

  /** The first line that is new or has grown since this was last asked. */
  taken(): number {
    const first = Math.min(this.dirty, this.length);
    this.dirty = this.length;
    return first;
  }

  private append(stream: number, at: number, text: string): void {
    let from = 0;
    while (from < text.length) {
      const stop = text.indexOf("\n", from);
      this.appendPart(stream, at, stop < 0 ? text.slice(from) : text.slice(from, stop), stop >= 0);
      from = stop < 0 ? text.length : stop + 1;
    }
  }

  private appendPart(stream: number, at: number, part: string, ends: boolean): void {
    const line = this.open[stream] ?? null;
    if (line === null) {
      this.texts.push(plainLine(part));
      this.streams.push(stream);
      this.moments.push(at);
      if (!ends) {
        this.open[stream] = this.texts.length - 1;
        this.raw[stream] = part;
      }
      return;
    }
    const raw = this.raw[stream] + part;
    this.texts[line] = plainLine(raw);
    if (line < this.dirty) this.dirty = line;
    this.raw[stream] = ends ? "" : raw;
    if (ends) this.open[stream] = null;
  }
}

/** Lines from..to (from 0, both included) as text. With moments and streams when `full`. */
export function logText(model: LogModel, from = 0, to = model.length - 1, full = false): string {
  const lines: string[] = [];
  for (let i = Math.max(0, from); i <= to && i < model.length; i++) {
    const text = model.texts[i] ?? "";
    const at = model.moments[i] ?? 0;
    const stream = STREAMS[model.streams[i] ?? 0] ?? "berth";
    lines.push(full ? `${at ? new Date(at).toISOString() : "-".padEnd(24)} ${stream.padEnd(6)} ${text}` : text);
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** What the log of an attempt is called as a file. */
export function logFileName(domain: string, task: string, attempt: number): string {
  return `${domain}-${task}-${attempt}.log`.replace(/[^a-z0-9.@-]/gi, "_");
}

export const MATCHES_MAX = 100_000;

/** Where a text occurs, whatever its case. Goes on from where it was when lines are added. */
export class LogSearch {
  readonly lines: number[] = [];
  readonly columns: number[] = [];
  readonly needle: string;
  private next = 0;

  /** @param shown  lines for which it says no are not looked at; when it changes its mind, that is another search */
  constructor(
    needle: string,
    private readonly shown: (line: number) => boolean = () => true,
  ) {
    this.needle = needle.toLowerCase();
  }

  get count(): number {
    return this.lines.length;
  }

  get full(): boolean {
    return this.count >= MATCHES_MAX;
  }

  /** @param changed  the first line that is new or has grown since the last call */
  run(model: LogModel, changed: number): void {
    if (this.needle === "") return;
    if (changed < this.next) {
      let keep = this.count;
      while (keep > 0 && (this.lines[keep - 1] ?? 0) >= changed) keep--;
      this.lines.length = this.columns.length = keep;
      this.next = changed;
    }
    for (; this.next < model.length && !this.full; this.next++) {
      if (!this.shown(this.next)) continue;
      const text = (model.texts[this.next] ?? "").toLowerCase();
      for (let at = text.indexOf(this.needle); at >= 0 && !this.full; at = text.indexOf(this.needle, at + this.needle.length)) {
        this.lines.push(this.next);
        this.columns.push(at);
      }
    }
  }

  /** The first match at or behind a line, or a column of it; round the corner when there is none, -1 when there is none at all. */
  firstFrom(line: number, column = 0): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.lines[middle] ?? 0;
      if (at < line || (at === line && (this.columns[middle] ?? 0) < column)) low = middle + 1;
      else high = middle;
    }
    return low < this.count ? low : this.count > 0 ? 0 : -1;
  }
}

export interface LineRange {
  from: number; // from 1, as people count
  to: number;
}

/** "#L12", "#L3-L9", "#L9-3"; null for anything else. */
export function parseRange(hash: string): LineRange | null {
  const found = /^#?L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash);
  if (!found) return null;
  const one = Number(found[1]);
  const two = found[2] === undefined ? one : Number(found[2]);
  return one < 1 || two < 1 ? null : { from: Math.min(one, two), to: Math.max(one, two) };
}

export function rangeHash(range: LineRange): string {
  return range.from === range.to ? `#L${range.from}` : `#L${range.from}-L${range.to}`;
}
