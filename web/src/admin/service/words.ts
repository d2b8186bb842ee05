// words.ts - how tasks and events of a service are said to staff.
import { duration } from "../../lib/time";
import type { Operation, ServiceEvent, Task } from "../../lib/types";
import type { IconName } from "../ui/icons";
import type { Tone } from "../ui/states";
import { t, tName, type Words } from "../words";

/** "Web user" for web.user; the action itself where there are no words. */
export function actionWords(action: string): string {
  return tName("action", action);
}

export function operationWords(operation: Pick<Operation, "kind">): string {
  return tName("operation", operation.kind);
}

/** How long a task ran, or has been running. */
export function tookOf(task: Task, now: number): string {
  if (task.started_at === null) return "";
  const end = task.ended_at === null ? now : Date.parse(task.ended_at);
  return duration(Math.max(0, end - Date.parse(task.started_at)));
}

/** Which try it is: those that count, and the one that runs. */
export function triesOf(task: Pick<Task, "attempts" | "state">): number {
  return task.attempts + (task.state === "running" ? 1 : 0);
}

/** "12 s" until a moment; "" when it has come. */
export function untilWords(at: string | null, now: number): string {
  const left = at === null ? 0 : Date.parse(at) - now;
  return left > 0 ? duration(Math.ceil(left / 1000) * 1000) : "";
}

export interface Said {
  text: string;
  /** in smaller type under it */
  more: string;
  icon: IconName;
  tone: Tone;
}

const LOOKS: Record<string, [IconName, Tone]> = {
  "service.accepted": ["circleDot", "grey"],
  "service.waiting": ["clock", "amber"],
  "service.failed": ["circleX", "red"],
  "service.live": ["circleCheck", "green"],
  "service.seen": ["world", "green"],
  "service.verified": ["shield", "green"],
  "service.planned": ["list", "blue"],
  "service.cancelled": ["ban", "grey"],
  "operation.started": ["play", "blue"],
  "operation.ended": ["circleCheck", "grey"],
  "operation.cancelled": ["ban", "grey"],
  "operation.superseded": ["minus", "grey"],
  "operation.removed": ["trash", "grey"],
  "task.started": ["loader", "blue"],
  "task.done": ["check", "green"],
  "task.retry": ["rotate", "amber"],
  "task.failed": ["circleX", "red"],
  "task.lost": ["alert", "amber"],
  "task.by-hand": ["user", "red"],
  "task.retried-by-hand": ["user", "blue"],
  "account.adopted": ["user", "violet"],
  "account.renamed": ["user", "violet"],
  "credentials.changed": ["key", "green"],
  "credentials.revealed": ["eye", "violet"],
  "credentials.shown": ["eye", "violet"],
  "link.renewed": ["link", "violet"],
  "ticket.sent": ["ticket", "violet"],
  "ticket.refused": ["ticket", "red"],
};

const textOf = (value: unknown): string => (typeof value === "string" ? value : typeof value === "number" ? String(value) : "");

const until = (value: unknown): string =>
  typeof value === "number" && value > 0 ? new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(value) : "";

/** The parts of an event's data by name, as texts; a task's key as words. */
function filling(event: ServiceEvent, action: string): Record<string, string> {
  const data = event.data;
  const places: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) places[name] = textOf(value);
  const key = textOf(data["key"]);
  if (key) places["step"] = actionWords(action);
  places["on"] = textOf(data["node"]) ? t("event.on", { node: textOf(data["node"]) }) : key.includes("@") ? t("event.on", { node: key.replace(/^.*@/, "") }) : "";
  places["ms"] = typeof data["ms"] === "number" ? duration(data["ms"]) : "";
  places["operation"] = tName("operation", textOf(data["operation"]) || textOf(data["kind"]));
  places["due"] = until(data["due_at_ms"]);
  places["until"] = until(data["until_ms"]);
  places["nodes"] = Array.isArray(data["nodes"]) ? data["nodes"].map(textOf).join(", ") : "";
  return places;
}

function moreOf(event: ServiceEvent, places: Record<string, string>): string {
  switch (event.kind) {
    case "task.retry":
    case "task.failed":
      return [places["text"], places["detail"], event.kind === "task.failed" ? places["remedy"] : ""].filter(Boolean).join(" ");
    case "task.done":
      return places["note"] ?? "";
    case "task.lost":
    case "ticket.refused":
      return places["detail"] ?? "";
    case "service.waiting":
    case "service.failed":
      return places["reason"] ?? "";
    case "operation.cancelled":
    case "operation.superseded":
      return places["why"] ?? "";
    case "operation.started":
      return [places["who"] ? t("event.by", { who: places["who"] }) : "", places["nodes"] ? t("event.nodes", { nodes: places["nodes"] }) : ""].filter(Boolean).join(" · ");
    default:
      return places["who"] ? t("event.by", { who: places["who"] }) : "";
  }
}

/** Operations that hand nothing over at their end: their last step, "live" by its key, is a report. */
const REPORTING: readonly string[] = ["verify", "plan", "password"];

/**
 * Events in words, the oldest first: what a step is called depends on the operation that it is a part of. One that nobody has words for
 * is said by its name; its data can be looked at in any case.
 */
export function sayEvents(events: readonly ServiceEvent[]): Said[] {
  let operation = "";
  return events.map((event) => {
    if (event.kind === "operation.started") operation = textOf(event.data["operation"]);
    const key = textOf(event.data["key"]).replace(/@.*$/, "");
    return say(event, key === "live" && REPORTING.includes(operation) ? "report" : key);
  });
}

function say(event: ServiceEvent, action: string): Said {
  const [icon, tone] = LOOKS[event.kind] ?? (["circle", "grey"] as [IconName, Tone]);
  const places = filling(event, action);
  let key = `event.${event.kind}`;
  if (event.kind === "task.done" && event.data["changed"] !== true) key += ".as-was";
  if (event.kind === "task.retry" && event.data["waits_for"] !== undefined) key += ".waits";
  if ((event.kind === "service.verified" || event.kind === "service.planned") && event.data["changes"] === 0) key += ".none";
  const known = tName("event", key.slice("event.".length));
  const text = known === key.slice("event.".length) ? event.kind : t(key as Words, places);
  return { text: text.replace(/\s+/g, " ").trim(), more: moreOf(event, places), icon, tone };
}
