// gantt.ts - where the bars of an operation stand: lanes per node, rows in a lane, the axis, the critical path. Pure: moments are
// handed in, nothing is drawn here.

export interface GanttTask {
  id: string;
  key: string;
  node: string | null;
  state: string;
  weight: number;
  needs?: readonly string[] | undefined;
  /** Whether the server found it on the critical path; not said: it is looked for here. */
  critical?: boolean | undefined;
  /** How long the step usually takes there; null or not said: by its weight. */
  expected_ms?: number | null | undefined;
  started_at: string | null;
  ended_at: string | null;
  due_at: string | null;
}

export interface Piece {
  from: number; // ms
  to: number; // ms; of one that runs: now
  outcome: string; // "running", "done", "retry", "waited", "failed", "lost"
}

export interface Bar {
  id: string;
  from: number;
  to: number;
  /** Since when nothing but its turn on the node kept it: the thin line in front of the bar. */
  ready: number;
  pieces: Piece[];
  row: number; // in its lane
  critical: boolean;
  /** It is expected to begin there: drawn as an outline. */
  planned: boolean;
}

export interface Lane {
  name: string; // the node's name; "" is ours
  rows: number;
  bars: Bar[];
}

export interface Tick {
  at: number;
  ms: number; // since the beginning
}

export interface Gantt {
  from: number;
  to: number;
  lanes: Lane[];
  ticks: Tick[];
  critical: string[]; // ids, the first first
}

/** A weight is a tenth of the second that the step typically takes. */
const WEIGHT_MS = 100;
/* What is held has no time at which it is expected. */
const EXPECTED = new Set(["blocked", "queued", "running", "waiting"]);

const moment = (text: string | null): number => (text === null ? 0 : Date.parse(text));

/** Moments between which a scale of at most so many steps is round for people. */
export function tickStep(spanMs: number, most: number): number {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000];
  for (const step of steps) if (spanMs / step <= most) return step;
  let step = 7_200_000;
  while (spanMs / step > most) step *= 2;
  return step;
}

/** So much of the width, in percent, the words beside a bar need. */
const WORDS_ROOM = 38;

export type Side = "after" | "before" | "over" | "inside";

/**
 * Where the words of a bar stand: behind it, else in front of it and of the line that leads to it, else over that line, else, where the
 * bar takes all the width, inside of it.
 * @param ready where the line begins, or the bar when it has none  @param from, to the bar; all in percent of the width
 */
export function labelSide(ready: number, from: number, to: number): Side {
  if (100 - to >= WORDS_ROOM) return "after";
  if (Math.min(ready, from) >= WORDS_ROOM) return "before";
  return from >= WORDS_ROOM ? "over" : "inside";
}

export interface Expected {
  start: number;
  end: number;
}

/** When each task ended, or is expected to: by its weight, behind all that it needs. */
export function expected(tasks: readonly GanttTask[], now: number): Map<string, Expected> {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const found = new Map<string, Expected>();
  const visit = (task: GanttTask, depth: number): Expected => {
    const known = found.get(task.id);
    if (known) return known;
    const started = moment(task.started_at);
    const ended = moment(task.ended_at);
    let result: Expected;
    if (ended !== 0) {
      result = { start: started || ended, end: ended };
    } else {
      let ready = now;
      for (const id of task.needs ?? []) {
        const before = byId.get(id);
        if (before && depth < 1000) ready = Math.max(ready, visit(before, depth + 1).end);
      }
      if (task.state === "waiting" && task.due_at) ready = Math.max(ready, moment(task.due_at));
      const start = started || ready;
      const length = task.expected_ms ?? Math.max(1, task.weight) * WEIGHT_MS;
      result = { start, end: task.state === "running" ? Math.max(now, start + length) : ready + length };
    }
    found.set(task.id, result);
    return result;
  };
  for (const task of tasks) visit(task, 0);
  return found;
}

/** The chain of tasks that decides when the whole has ended: from the last one back to what it waited for longest. */
export function criticalPath(tasks: readonly GanttTask[], when: ReadonlyMap<string, Expected>): string[] {
  if (tasks.some((task) => task.critical)) return tasks.filter((task) => task.critical).map((task) => task.id);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const end = (id: string) => when.get(id)?.end ?? 0;
  const later = (a: string | null, b: string) => (a === null || end(b) > end(a) ? b : a);
  let last: string | null = null;
  for (const task of tasks) if (task.state !== "superseded" && task.state !== "cancelled") last = later(last, task.id);
  // what needs all others ends last, also when the step before ended in the same millisecond
  for (const task of tasks) if (last !== null && (task.needs ?? []).includes(last) && end(task.id) >= end(last)) last = task.id;
  const path: string[] = [];
  while (last !== null && !path.includes(last)) {
    path.unshift(last);
    let before: string | null = null;
    for (const id of byId.get(last)?.needs ?? []) if (byId.has(id)) before = later(before, id);
    last = before;
  }
  return path;
}

function barOf(task: GanttTask, when: ReadonlyMap<string, Expected>, pieces: readonly Piece[], now: number, begin: number): Bar | null {
  const span = when.get(task.id);
  if (!span) return null;
  const started = moment(task.started_at);
  const planned = started === 0 && EXPECTED.has(task.state);
  if (started === 0 && !planned) return null; // given up before it began
  let ready = begin;
  for (const id of task.needs ?? []) ready = Math.max(ready, when.get(id)?.end ?? 0);
  const from = planned ? span.start : started;
  const to = moment(task.ended_at) || (planned ? span.end : Math.max(now, from));
  const own = pieces.length > 0 ? [...pieces] : planned ? [] : [{ from, to, outcome: task.state }];
  return { id: task.id, from, to, ready: Math.min(ready, from), pieces: own, row: 0, critical: false, planned };
}

/** Rows of a lane: a bar goes into the first row in which nothing stands at that time. */
function pack(lane: Lane, gap: number): void {
  const ends: number[] = [];
  for (const bar of lane.bars) {
    let row = ends.findIndex((end) => end + gap <= bar.ready);
    if (row < 0) row = ends.push(0) - 1;
    ends[row] = bar.to;
    bar.row = row;
  }
  lane.rows = Math.max(1, ends.length);
}

export interface GanttOptions {
  now: number;
  /** When the operation began, and ended (0: not yet). */
  began: number;
  ended: number;
  /** Attempts of each task, from the timeline. */
  pieces?: ReadonlyMap<string, readonly Piece[]>;
  /** Ticks on the axis at most. */
  ticks?: number;
  /** Every task a row of its own, in the order of their beginning. */
  apart?: boolean;
}

export function gantt(tasks: readonly GanttTask[], options: GanttOptions): Gantt {
  const { now, began } = options;
  const when = expected(tasks, options.ended || now);
  const critical = criticalPath(tasks, when);
  const path = new Set(critical);
  const lanes = new Map<string, Lane>();
  let to = Math.max(began + 1, options.ended || now);
  for (const task of tasks) {
    const bar = barOf(task, when, options.pieces?.get(task.id) ?? [], now, began);
    if (!bar) continue;
    bar.critical = path.has(task.id);
    const name = task.node ?? "";
    const lane = lanes.get(name) ?? { name, rows: 0, bars: [] };
    lane.bars.push(bar);
    lanes.set(name, lane);
    to = Math.max(to, bar.to);
  }
  const sorted = [...lanes.values()];
  for (const lane of sorted) {
    lane.bars.sort((a, b) => a.from - b.from || a.ready - b.ready);
    if (options.apart) {
      lane.bars.forEach((bar, row) => (bar.row = row));
      lane.rows = lane.bars.length;
    } else {
      pack(lane, 0);
    }
  }
  sorted.sort((a, b) => Number(a.name === "") - Number(b.name === "")); // ours is the last
  const step = tickStep(to - began, options.ticks ?? 8);
  const ticks: Tick[] = [];
  for (let ms = 0; began + ms <= to; ms += step) ticks.push({ at: began + ms, ms });
  return { from: began, to, lanes: sorted, ticks, critical };
}
