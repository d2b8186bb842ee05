// ticket-text.ts - what is copied for a ticket: all that a colleague needs to know of a task that made trouble, as plain text.

import type { Attempt, Service, TaskWithAttempts } from "../../lib/types";
import { plainLine } from "./log-model";

export const TICKET_LOG_LINES = 20;

/** The last lines of a log that comes in pieces; the first line may have lost its beginning, so it goes when there are enough. */
export function lastLines(pieces: readonly string[], max = TICKET_LOG_LINES): string[] {
  const lines = pieces.join("").split("\n").map(plainLine);
  if (lines[lines.length - 1] === "") lines.pop();
  return lines.slice(-max);
}

interface TicketWords {
  service: string;
  step: string;
  node: string;
  state: string;
  cause: string;
  reason: string;
  attempts: string;
  log: string;
  link: string;
}

export function ticketText(words: TicketWords, service: Service, task: TaskWithAttempts, shown: Attempt | undefined, state: string, node: string, log: readonly string[], link: string): string {
  const rows: [string, string][] = [
    [words.service, `${service.domain_unicode} (${service.id})`],
    [words.step, task.key],
    [words.node, node],
    [words.state, state],
    [words.cause, shown?.cause || task.cause],
    [words.reason, [task.reason, shown?.detail].filter((text, at, all) => text && all.indexOf(text) === at).join("\n  ")],
    [words.attempts, String(task.attempt_list.length)],
    [words.link, link],
  ];
  const head = rows.filter(([, text]) => text !== "").map(([name, text]) => `${name}: ${text}`);
  return [...head, ...(log.length ? ["", `${words.log}:`, ...log.map((line) => `  ${line}`)] : [])].join("\n") + "\n";
}
