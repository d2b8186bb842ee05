// spec.ts - the limits of a product: which there are, what they count, what holds when they are left out. Pure.
import type { Role } from "../../lib/types";

export interface LimitField {
  name: string;
  /** what is behind the number */
  unit: "" | "MB" | "s" | "per-hour";
  /** what holds when it is left out; -1 unlimited */
  preset: number | string;
  /** "limit": a number or unlimited; "number": only a number; "text" */
  kind: "limit" | "number" | "text";
}

export const LIMITS: Record<Role, readonly LimitField[]> = {
  web: [
    { name: "disk_mb", unit: "MB", preset: -1, kind: "limit" },
    { name: "bandwidth_mb", unit: "MB", preset: -1, kind: "limit" },
    { name: "domains", unit: "", preset: 1, kind: "limit" },
    { name: "aliases", unit: "", preset: -1, kind: "limit" },
    { name: "databases", unit: "", preset: -1, kind: "limit" },
    { name: "cron_jobs", unit: "", preset: -1, kind: "limit" },
    { name: "backups", unit: "", preset: 3, kind: "number" },
    { name: "php", unit: "", preset: "", kind: "text" },
  ],
  mail: [
    { name: "disk_mb", unit: "MB", preset: -1, kind: "limit" },
    { name: "domains", unit: "", preset: 1, kind: "limit" },
    { name: "accounts", unit: "", preset: -1, kind: "limit" },
    { name: "rate_per_hour", unit: "per-hour", preset: 200, kind: "number" },
    { name: "mailbox", unit: "", preset: "", kind: "text" },
  ],
  dns: [
    { name: "domains", unit: "", preset: 1, kind: "limit" },
    { name: "records", unit: "", preset: -1, kind: "limit" },
    { name: "template", unit: "", preset: "default", kind: "text" },
    { name: "ttl", unit: "s", preset: 14400, kind: "number" },
  ],
};

/** What somebody has typed, as the API takes it; undefined: left out. @return null when it is neither a number nor unlimited */
export function readLimit(field: LimitField, typed: string): number | string | undefined | null {
  const text = typed.trim();
  if (field.kind === "text") return text === "" ? undefined : text;
  if (text === "") return undefined;
  if (field.kind === "limit" && /^(unlimited|∞|-1)$/i.test(text)) return "unlimited";
  const plain = text.replace(/[\s_']/g, "");
  const scaled = field.unit === "MB" ? /^(\d+(?:\.\d+)?)(mb|gb|tb)?$/i.exec(plain) : /^(\d+)()$/.exec(plain);
  if (!scaled) return null;
  const factor = { gb: 1000, tb: 1_000_000 }[(scaled[2] ?? "").toLowerCase()] ?? 1;
  return Math.round(Number(scaled[1]) * factor);
}
