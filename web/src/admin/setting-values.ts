// setting-values.ts - what is typed into a setting, and what is sent for it.

import type { Setting, SettingValue } from "../lib/types";

/** What its input shows: null is the default again, of a secret "" is no change. */
export type Edit = string | boolean | null;

export function shownValue(setting: Setting): string | boolean {
  if (setting.type === "boolean") return setting.value === true;
  return setting.value === undefined ? "" : String(setting.value);
}

export function defaultValue(setting: Setting): string | boolean {
  if (setting.type === "boolean") return setting.default === true;
  return setting.default === undefined ? "" : String(setting.default);
}

/** As the API takes it: a number alone counts in the setting's unit. */
export function sentValue(setting: Setting, edit: Edit): SettingValue | null {
  if (typeof edit !== "string") return edit;
  const text = edit.trim();
  const counts = setting.type === "number" || setting.type === "decimal" || setting.type === "duration";
  return counts && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Whether a number is outside of the range; the server has the last word. */
export function outOfRange(setting: Setting, edit: Edit): boolean {
  if ((setting.type !== "number" && setting.type !== "decimal") || typeof edit !== "string" || edit.trim() === "") return false;
  const n = Number(edit);
  if (Number.isNaN(n)) return false;
  return (typeof setting.min === "number" && n < setting.min) || (typeof setting.max === "number" && n > setting.max);
}

/** The settings by what stands before the first dot, in the order that they come. */
export function grouped(settings: readonly Setting[]): { name: string; settings: Setting[] }[] {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const prefix = setting.name.split(".")[0] ?? "";
    groups.set(prefix, [...(groups.get(prefix) ?? []), setting]);
  }
  return [...groups].map(([name, list]) => ({ name, settings: list }));
}
