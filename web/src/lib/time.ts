// time.ts - moments and lengths of time as people read them. Browsers know the words for it in every language.

import type { Moment } from "./types";

const LANGUAGE = "en";
const relative = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto", style: "long" });
const shortDate = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const yearDate = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const fullDate = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "full", timeStyle: "long", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
  ["year", Infinity],
];

export function msOf(moment: Moment | undefined): number | null {
  if (!moment) return null;
  const ms = Date.parse(moment);
  return Number.isNaN(ms) ? null : ms;
}

/** "3 minutes ago", "in 20 seconds", "now" */
export function ago(moment: Moment | undefined, now_ms = Date.now()): string {
  const ms = msOf(moment);
  if (ms === null) return "";
  let n = (ms - now_ms) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(n) < size) return relative.format(Math.trunc(n) || 0, unit);
    n /= size;
  }
  return "";
}

/** "28 Nov, 11:12"; with the year when it is another one */
export function absolute(moment: Moment | undefined, now_ms = Date.now()): string {
  const ms = msOf(moment);
  if (ms === null) return "";
  const same = new Date(ms).getFullYear() === new Date(now_ms).getFullYear();
  return (same ? shortDate : yearDate).format(ms);
}

/** With weekday, seconds and time zone. */
export function exact(moment: Moment | undefined): string {
  const ms = msOf(moment);
  return ms === null ? "" : fullDate.format(ms);
}

/** "11:12:07" */
export function clockTime(moment: Moment | undefined): string {
  const ms = msOf(moment);
  return ms === null ? "" : clock.format(ms);
}

/** "11:12:07.123" in the viewer's zone */
export function clockMs(moment: Moment | undefined): string {
  const ms = msOf(moment);
  return ms === null ? "" : `${clock.format(ms)}.${String(ms % 1000).padStart(3, "0")}`;
}

/** "340 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h" */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "";
  const n = Math.max(0, ms);
  if (n < 1000) return `${Math.round(n)} ms`;
  if (n < 9950) return `${(n / 1000).toFixed(1)} s`;
  const s = Math.round(n / 1000);
  if (s < 60) return `${s} s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string => (small ? `${big} ${bigUnit} ${small} ${smallUnit}` : `${big} ${bigUnit}`);
  if (s < 3600) return pair(Math.floor(s / 60), "min", s % 60, "s");
  if (s < 86400) return pair(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return pair(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

/** How long it was from one moment to another, or until now. */
export function between(from: Moment | undefined, to: Moment | undefined, now_ms = Date.now()): number | null {
  const start = msOf(from);
  if (start === null) return null;
  return Math.max(0, (msOf(to) ?? now_ms) - start);
}
