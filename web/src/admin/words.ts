import en from "../../../messages/en/staff.json";
import { wordsOf } from "../lib/words";

export const t = wordsOf(en);
