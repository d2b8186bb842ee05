// timeline.ts - what the events of a service say about its tasks: when each attempt began and ended. Pure.
import type { Piece } from "./gantt";

export interface TimelineEvent {
  seq: number;
  at: string | null;
  kind: string;
  data: Record<string, unknown>;
}

const ENDS: Record<string, string> = { "task.done": "done", "task.failed": "failed", "task.lost": "lost" };

/** The attempts of every task, by its id. One that runs ends now. */
export function piecesOf(events: readonly TimelineEvent[], now: number): Map<string, Piece[]> {
  const all = new Map<string, Piece[]>();
  const open = new Map<string, Piece>();
  for (const event of events) {
    const id = typeof event.data["task"] === "number" ? String(event.data["task"]) : "";
    const at = event.at ? Date.parse(event.at) : 0;
    if (event.kind === "operation.cancelled" || event.kind === "operation.superseded") {
      for (const piece of open.values()) Object.assign(piece, { to: at, outcome: "superseded" });
      open.clear();
    }
    if (id === "") continue;
    const piece = open.get(id);
    if (event.kind === "task.started") {
      if (piece) Object.assign(piece, { to: at, outcome: "lost" });
      const fresh: Piece = { from: at, to: now, outcome: "running" };
      open.set(id, fresh);
      all.set(id, [...(all.get(id) ?? []), fresh]);
    } else if (piece && (event.kind in ENDS || event.kind === "task.retry")) {
      piece.to = at;
      piece.outcome = ENDS[event.kind] ?? (event.data["waits_for"] === undefined ? "retry" : "waited");
      open.delete(id);
    }
  }
  return all;
}

/** Whether it has changed something, by task: "done" alone does not say it. */
export function changedOf(events: readonly TimelineEvent[]): Map<string, { changed: boolean; note: string }> {
  const all = new Map<string, { changed: boolean; note: string }>();
  for (const event of events) {
    if (event.kind !== "task.done" || typeof event.data["task"] !== "number") continue;
    all.set(String(event.data["task"]), { changed: event.data["changed"] === true, note: typeof event.data["note"] === "string" ? event.data["note"] : "" });
  }
  return all;
}

export interface Report {
  id: string;
  at: string | null;
  changes: number;
  steps: { key: string; node: string; what: string }[];
}

/** The answers of plans and verifications, the newest last. */
export function reportsOf(events: readonly TimelineEvent[], kind: "service.planned" | "service.verified"): Report[] {
  return events
    .filter((event) => event.kind === kind)
    .map((event) => ({
      id: String(event.data["id"] ?? ""),
      at: event.at,
      changes: Number(event.data["changes"] ?? 0),
      steps: (Array.isArray(event.data["steps"]) ? event.data["steps"] : []).map((step: Record<string, unknown>) => ({
        key: String(step["key"] ?? step["step"] ?? ""),
        node: String(step["node"] ?? ""),
        what: String(step["what"] ?? step["note"] ?? ""),
      })),
    }));
}
