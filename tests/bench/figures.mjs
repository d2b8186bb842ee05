// figures.mjs - how a figure is told (one JSON object per line on stdout), and the few sums that all benches share.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** A figure with its goal: "atMost" or "atLeast" a limit. */
export function figure(name, value, unit, { atMost, atLeast }) {
  const goal = atMost !== undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  const holds = atMost !== undefined ? value <= atMost : value >= atLeast;
  process.stdout.write(`${JSON.stringify({ name, value: Number(value.toPrecision(4)), unit, goal, holds })}\n`);
}

/** What a figure was made of, for people: stdout holds figures only. */
export function say(text) {
  process.stderr.write(`bench: ${text}\n`);
}

/** A process's resident memory. */
export function residentMib(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(values) {
  return quantile(values, 0.5);
}

/** Run a program of the bench to its end; gives the JSON objects that it printed, one per line. exits: codes that are no error. */
export async function run(program, args, env = {}, exits = [0]) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (data) => (text += data));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (!exits.includes(code)) throw new Error(`${program} ${args.join(" ")}: exit ${code}`);
  return text
    .split("\n")
    .filter((line) => line)
    .map((line) => JSON.parse(line));
}
