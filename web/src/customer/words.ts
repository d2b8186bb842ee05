import en from "../../../messages/en/customer.json";
import { wordsOf } from "../lib/words";

/** Those that are built into the page: see vite.config.ts. */
type PageKey = Extract<keyof typeof en, `page.${string}`>;

export const t = wordsOf<Pick<typeof en, PageKey>>(en);
