// time.ts - times in words: what is left, how long something took, how long ago it was, when it is.
import { t } from "./words";

const ALMOST_MS = 15000; // so long after the estimate it is still "almost there"; then it is said that it takes longer
const MINUTE_MS = 60000;

function about(seconds: number): string {
  if (seconds < 8) return t("page.time.moments");
  if (seconds < 17.5) return t("page.time.seconds", { n: Math.round(seconds / 5) * 5 });
  if (seconds < 55) return t("page.time.seconds", { n: Math.round(seconds / 10) * 10 });
  if (seconds < 90) return t("page.time.minute");
  const minutes = Math.round(seconds / 60);
  if (minutes < 55) return t("page.time.minutes", { n: minutes });
  const hours = Math.round(minutes / 60);
  return hours <= 1 ? t("page.time.hour") : t("page.time.hours", { n: hours });
}

/** What is said of the time left: of a guess not the seconds. A time that has passed is not counted on: it is said that it takes
 * longer. */
export function leftWords(leftMs: number, sure: boolean): string {
  if (leftMs <= -ALMOST_MS) return t("page.left.longer");
  if (leftMs <= 0) return t("page.left.almost");
  if (sure) return t("page.left.sure", { time: about(leftMs / 1000) });
  return t("page.left.unsure", { time: leftMs < MINUTE_MS ? t("page.time.less") : about(leftMs / 1000) });
}

/** How long a step took. */
export function tookWords(ms: number): string {
  if (ms < 9950) return t("page.took.seconds", { n: Math.max(0.1, ms / 1000).toFixed(1) });
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return t("page.took.seconds", { n: seconds });
  return t("page.took.minutes", { m: Math.floor(seconds / 60), s: seconds % 60 });
}

/** "just now", "20 seconds ago", "in 3 minutes": coarse, so that it does not flicker. */
export function agoWords(at: number, now: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const seconds = (at - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return t(seconds > 3 ? "page.time.soon" : "page.time.now");
  if (size < 55) return format.format(Math.round(seconds / 10) * 10, "second");
  if (size < 3300) return format.format(Math.sign(seconds) * Math.max(1, Math.round(size / 60)), "minute");
  if (size < 82800) return format.format(Math.sign(seconds) * Math.max(1, Math.round(size / 3600)), "hour");
  return format.format(Math.sign(seconds) * Math.max(1, Math.round(size / 86400)), "day");
}

/** A moment as this customer's clock shows it; with the day when that is another one. */
export function momentWords(at: number, now: number, language: string): string {
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(language, sameDay ? time : { ...time, day: "numeric", month: "long" }).format(at);
}
