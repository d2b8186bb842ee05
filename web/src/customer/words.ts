import en from "../../../messages/en/customer.json";
import { wordsOf } from "../lib/words";

export const t = wordsOf(en);
