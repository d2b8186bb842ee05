// states.ts - how each state of each kind of thing looks: a tone and an icon; its word is in the catalogue.

import type { IconName } from "./icons";

export type StateKind = "service" | "operation" | "task" | "attempt" | "node" | "ticket" | "message" | "ssl" | "staff" | "token";
export type Tone = "grey" | "blue" | "amber" | "green" | "red" | "violet";

export interface Look {
  tone: Tone;
  icon: IconName;
  /** it moves: something is being done */
  busy?: boolean;
}

const later: Look = { tone: "grey", icon: "circle" };
const ended: Look = { tone: "grey", icon: "minus" };
const work: Look = { tone: "blue", icon: "loader", busy: true };
const wait: Look = { tone: "amber", icon: "clock" };
const good: Look = { tone: "green", icon: "circleCheck" };
const bad: Look = { tone: "red", icon: "circleX" };
const held: Look = { tone: "amber", icon: "pause" };

const LOOKS: Readonly<Record<StateKind, Readonly<Record<string, Look>>>> = {
  service: { accepted: { tone: "grey", icon: "circleDot" }, waiting: wait, deploying: work, live: good, failed: bad, suspended: held, terminated: ended },
  operation: { running: work, done: good, failed: bad, cancelled: { tone: "grey", icon: "ban" }, superseded: ended },
  task: {
    blocked: later,
    queued: { tone: "violet", icon: "circleDot" },
    running: work,
    waiting: wait,
    held,
    done: good,
    failed: bad,
    cancelled: { tone: "grey", icon: "ban" },
    superseded: ended,
  },
  attempt: {
    running: work,
    done: good,
    retry: { tone: "amber", icon: "rotate" },
    failed: bad,
    conflict: { tone: "red", icon: "alert" },
    lost: { tone: "amber", icon: "alert" },
    superseded: ended,
    waited: wait,
  },
  node: { active: good, draining: { tone: "amber", icon: "download" }, paused: held, unreachable: { tone: "red", icon: "plug" } },
  ticket: { open: { tone: "red", icon: "alert" }, closed: good, "closed-unsent": { tone: "amber", icon: "alert" }, "closed-untold": { tone: "amber", icon: "alert" } },
  message: { queued: { tone: "violet", icon: "clock" }, sending: work, sent: good, failed: bad },
  ssl: { seeded: later, "waiting-dns": wait, issued: { tone: "green", icon: "lock" }, failed: bad },
  staff: { enabled: good, disabled: { tone: "grey", icon: "ban" } },
  token: { active: good, revoked: { tone: "grey", icon: "ban" } },
};

export function lookOf(kind: StateKind, state: string): Look {
  return LOOKS[kind][state] ?? later;
}
