// retry-all.ts - tries again every task of a list, one call after the other, and keeps the sentences of those that were refused.
import type { TaskState } from "../../lib/types";

/** So many at once: the list is asked for no more. */
export const RETRY_MAX = 200;

export interface Retried {
  done: number;
  failed: { id: string; sentence: string }[];
}

/** The states in which a task can be tried again, of those that a filter lets through ("" is all). */
export function retryStates(state: TaskState | ""): TaskState[] {
  const able: TaskState[] = ["failed", "waiting"];
  return able.filter((one) => state === "" || state === one);
}

export async function retryEach(ids: readonly string[], retry: (id: string) => Promise<unknown>, sentence: (error: unknown) => string, progress: (ended: number) => void): Promise<Retried> {
  const result: Retried = { done: 0, failed: [] };
  for (const [i, id] of ids.entries()) {
    try {
      await retry(id);
      result.done++;
    } catch (error) {
      result.failed.push({ id, sentence: sentence(error) });
    }
    progress(i + 1);
  }
  return result;
}
