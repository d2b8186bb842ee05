// run-file.ts - reads the file of a run, which may come from anybody: what is shown of it is what it may be (known shapes, moments that
// are moments, no names of JavaScript's own), or the file is refused as a whole. Whether it is ours says the server. Pure.
import type { Attempt, AttemptOutcome, LogChunk, Moment, Operation, OperationKind, OperationState, ServiceEvent, Task, TaskState } from "../../lib/types";

export const RUN_FORMAT = "berth-run-1";
/** What the server takes to check it. */
export const RUN_BYTES_MAX = 32 * 1024 * 1024;
/** More is no run of ours, and more than a page can draw. */
const TASKS_MAX = 1000;
const EVENTS_MAX = 10_000;

/** Why a file cannot be shown: it is no run, only the beginning of one, of a format of another Berth, or does not hold what a run holds. */
export type RunFault = "too-large" | "no-run" | "cut" | "format" | "damaged";

export interface RunAttempt extends Attempt {
  log: LogChunk[];
  /** the rest of the log did not fit into the file */
  log_cut: boolean;
}

export interface RunTask extends Task {
  attempt_list: RunAttempt[];
}

export interface RunService {
  id: string;
  domain: string;
  domain_unicode: string;
  product: string;
  mode: string;
  status: string;
}

export interface Run {
  /** what the server checks: exactly what is shown here, not what else the file may hold */
  signed: { format: string; bundle: string; signature: Record<string, unknown> };
  /** what the file names as its key */
  key: string;
  made_at: Moment;
  installation: string;
  service: RunService;
  operation: Operation;
  tasks: RunTask[];
  events: ServiceEvent[];
  logs_cut: boolean;
}

export type ReadRun = { run: Run; fault?: never } | { run?: never; fault: RunFault; format: string };

type Fields = Record<string, unknown>;

class Damaged extends Error {}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);

function fields(value: unknown): Fields {
  if (!isFields(value)) throw new Damaged();
  return value;
}

function list(value: unknown, most: number): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Damaged();
  return value;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
/** A state or kind, by which words and looks are found. */
const word = (value: unknown): string => (typeof value === "string" && !(value in Object.prototype) ? value : "");
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const moment = (value: unknown): Moment => (typeof value === "string" && Number.isFinite(Date.parse(value)) ? value : null);

function id(value: unknown): string {
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value)) throw new Damaged();
  return value;
}

/** Lists are drawn by the names of their rows. */
function distinct<T>(rows: T[], name: (row: T) => string | number): T[] {
  if (new Set(rows.map(name)).size !== rows.length) throw new Damaged();
  return rows;
}

function readChunk(value: unknown, index: number): LogChunk {
  const from = fields(value);
  const stream = from["stream"];
  // all pieces of a log stand here one behind the other: their order is enough, whatever bytes they once were
  return { offset: index, at: moment(from["at"]), stream: stream === "stdout" || stream === "stderr" ? stream : "berth", text: text(from["text"]) };
}

function readAttempt(value: unknown): RunAttempt {
  const from = fields(value);
  return {
    id: id(from["id"]),
    number: number(from["number"]),
    outcome: word(from["outcome"]) as AttemptOutcome,
    cause: text(from["cause"]),
    detail: text(from["detail"]),
    started_at: moment(from["started_at"]),
    ended_at: moment(from["ended_at"]),
    log_bytes: number(from["log_bytes"]),
    log_truncated: from["log_truncated"] === true,
    log_removed_at: moment(from["log_removed_at"]),
    log: list(from["log"], Infinity).map(readChunk),
    log_cut: from["log_cut"] === true,
  };
}

function readTask(value: unknown): RunTask {
  const from = fields(value);
  return {
    id: id(from["id"]),
    service_id: text(from["service_id"]),
    operation_id: text(from["operation_id"]),
    key: text(from["key"]),
    action: text(from["action"]),
    role: null, // not shown
    node: typeof from["node"] === "string" ? from["node"] : null,
    lane: text(from["lane"]),
    state: word(from["state"]) as TaskState,
    needs_left: number(from["needs_left"]),
    weight: number(from["weight"]),
    attempts: number(from["attempts"]),
    attempt_id: null,
    suspect: from["suspect"] === true,
    cause: text(from["cause"]),
    reason: text(from["reason"]),
    needs: list(from["needs"] ?? [], TASKS_MAX).map(text),
    critical: from["critical"] === true,
    expected_ms: typeof from["expected_ms"] === "number" ? number(from["expected_ms"]) : null,
    due_at: moment(from["due_at"]),
    created_at: moment(from["created_at"]),
    started_at: moment(from["started_at"]),
    ended_at: moment(from["ended_at"]),
    attempt_list: distinct(list(from["attempt_list"], Infinity).map(readAttempt), (attempt) => attempt.id),
  };
}

/** Tasks that need each other in a circle: whoever follows what they need comes to no end. */
function hasCircle(tasks: readonly Task[]): boolean {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const seen = new Map<string, "open" | "done">();
  const leadsBack = (task: Task): boolean => {
    const was = seen.get(task.id);
    if (was) return was === "open";
    seen.set(task.id, "open");
    const back = (task.needs ?? []).some((need) => {
      const before = byId.get(need);
      return before !== undefined && leadsBack(before);
    });
    seen.set(task.id, "done");
    return back;
  };
  return tasks.some(leadsBack);
}

function readEvent(value: unknown): ServiceEvent {
  const from = fields(value);
  return { seq: number(from["seq"]), at: moment(from["at"]), kind: word(from["kind"]), data: isFields(from["data"]) ? from["data"] : {} };
}

function readOperation(value: unknown): Operation {
  const from = fields(value);
  return {
    id: id(from["id"]),
    kind: word(from["kind"]) as OperationKind,
    state: word(from["state"]) as OperationState,
    pipeline: text(from["pipeline"]),
    pipeline_hash: text(from["pipeline_hash"]),
    tasks: { done: 0, total: 0 }, // they are here themselves
    created_at: moment(from["created_at"]),
    ended_at: moment(from["ended_at"]),
  };
}

function readService(value: unknown): RunService {
  const from = fields(value);
  const domain = text(from["domain"]);
  return {
    id: text(from["id"]),
    domain,
    domain_unicode: text(from["domain_unicode"]) || domain,
    product: text(from["product"]),
    mode: word(from["mode"]),
    status: word(from["status"]),
  };
}

function readBundle(bundle: string, signature: Fields): Run {
  const root = fields(JSON.parse(bundle));
  const tasks = distinct(list(root["tasks"], TASKS_MAX).map(readTask), (task) => task.id);
  if (hasCircle(tasks)) throw new Damaged();
  return {
    signed: { format: RUN_FORMAT, bundle, signature },
    key: text(signature["public_key"]),
    made_at: moment(root["made_at"]),
    installation: text(root["installation"]),
    service: readService(root["service"]),
    operation: readOperation(root["operation"]),
    tasks,
    events: distinct(list(root["events"], EVENTS_MAX).map(readEvent), (event) => event.seq),
    logs_cut: root["logs_cut"] === true,
  };
}

const refuse = (fault: RunFault, format = ""): ReadRun => ({ fault, format });

/** @param file the whole text of the file */
export function readRun(file: string): ReadRun {
  let root: unknown;
  try {
    root = JSON.parse(file);
  } catch {
    return refuse(/^\s*\{\s*"format"\s*:\s*"berth-run-/.test(file) ? "cut" : "no-run");
  }
  if (!isFields(root) || !text(root["format"]).startsWith("berth-run-")) return refuse("no-run");
  if (root["format"] !== RUN_FORMAT) return refuse("format", text(root["format"]).slice(0, 40));
  try {
    // without a signature it can be looked at, and the server says that it is not signed
    return { run: readBundle(text(root["bundle"]), isFields(root["signature"]) ? root["signature"] : {}) };
  } catch (error) {
    if (error instanceof Damaged || error instanceof SyntaxError) return refuse("damaged");
    throw error;
  }
}
