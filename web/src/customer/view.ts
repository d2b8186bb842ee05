// view.ts - what the page shows, made of what berthd says bit by bit. Pure: time is handed in.
import type { Activity, Eta, State, Status, Step } from "./state";

/** When it should be ready, by this browser's clock. */
export interface Deadline {
  at: number;
  sure: boolean;
}

export interface View {
  state: State;
  /** The bar's: never less than it was, until another piece of work begins on a service that was ready. */
  percent: number;
  deadline: Deadline | null;
}

/** A state as it comes in an event: its activity comes in events of its own. */
export type Update = Omit<State, "activity"> & { activity?: Activity[] };

const ACTIVITY_MAX = 50;
const KEEP_MS = 2500; // a new estimate that is as near as this to the old one does not make the words jump

export function isBusy(status: Status): boolean {
  return status === "accepted" || status === "waiting" || status === "deploying";
}

export type Scene = "splash" | "failed" | "panel" | "suspended";

/** Who has had the control panel keeps it: also while the service is worked on, and when that has stopped. */
export function sceneOf({ status, panel }: Pick<State, "status" | "panel">): Scene {
  if (status === "suspended") return "suspended";
  if (status === "live" || panel !== null) return "panel";
  return status === "failed" ? "failed" : "splash";
}

/** Known lines and further ones, each once, newest last. */
export function mergeActivity(known: readonly Activity[], more: readonly Activity[]): Activity[] {
  const lines = new Map([...known, ...more].map((line) => [line.seq, line]));
  return [...lines.values()].sort((a, b) => a.seq - b.seq).slice(-ACTIVITY_MAX);
}

/** What the bar shows next. A full bar is a promise: only a service that is ready has one. */
export function nextPercent(shown: number, before: Status | null, next: Pick<State, "status" | "percent">): number {
  if (next.status === "live") return 100;
  const told = Math.max(0, Math.min(99, Math.round(next.percent) || 0));
  const other = before === null || before === "live" || before === "suspended";
  return other ? told : Math.max(Math.min(99, shown), told);
}

export function nextDeadline(old: Deadline | null, eta: Eta | null | undefined, now: number): Deadline | null {
  if (!eta) return null;
  const at = now + eta.seconds * 1000;
  const near = Math.max(KEEP_MS, (at - now) / 10);
  return old !== null && old.sure === eta.sure && old.at > now && Math.abs(old.at - at) <= near ? old : { at, sure: eta.sure };
}

export function firstView(state: State, now: number): View {
  return { state, percent: nextPercent(0, null, state), deadline: nextDeadline(null, state.eta, now) };
}

export function withState(view: View, update: Update, now: number): View {
  const state: State = { ...update, activity: mergeActivity(view.state.activity, update.activity ?? []), seq: Math.max(view.state.seq, update.seq) };
  return {
    state,
    percent: nextPercent(view.percent, view.state.status, state),
    deadline: nextDeadline(view.deadline, state.eta, now),
  };
}

export function withActivity(view: View, line: Activity): View {
  const state = { ...view.state, activity: mergeActivity(view.state.activity, [line]), seq: Math.max(view.state.seq, line.seq) };
  return { ...view, state };
}

/** The step that is worth saying: what is worked on, else what is waited for. */
export function currentStep(steps: readonly Step[]): Step | null {
  return steps.find((step) => step.state === "working") ?? steps.find((step) => step.state === "waiting") ?? null;
}

export function countDone(steps: readonly Step[]): number {
  return steps.filter((step) => step.state === "done").length;
}

/** A headline in three pieces, so that the domain in it can be set off. */
export function splitHeadline(headline: string, domain: string): [string, string, string] {
  const at = domain === "" ? -1 : headline.indexOf(domain);
  return at < 0 ? [headline, "", ""] : [headline.slice(0, at), domain, headline.slice(at + domain.length)];
}
