// words.ts - what the staff's pages say: messages/<language>/staff.json.

import en from "../../../messages/en/staff.json";
import { wordsOf } from "../lib/words";

/** the key of words that exist */
export type Words = keyof typeof en & string;

export const t = wordsOf(en);

/** Words for something that the server names, e.g. a state: the name itself where there are none. */
export function tName(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  return key in en ? t(key as Words) : name;
}

/** "1 task", "3 tasks": from the words <key>.one and <key>.many */
export function tCount(key: string, n: number): string {
  return t(`${key}.${n === 1 ? "one" : "many"}` as Words, { n: n.toLocaleString("en") });
}
