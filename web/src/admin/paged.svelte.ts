// paged.svelte.ts - a list that the API gives page by page; goes back by the cursors that it came by.

import { untrack } from "svelte";
import { Resource } from "../lib/resource.svelte";
import type { Cursor } from "../lib/types";

export interface PageOf<T> {
  rows: T[];
  next: Cursor;
}

export class Paged<T> {
  #cursors = $state.raw<string[]>([]);
  readonly resource: Resource<PageOf<T>>;

  /** `load` gets the cursor of the page, "" for the first. Asks only when told to (refresh, restart). */
  constructor(load: (cursor: string, signal: AbortSignal) => Promise<PageOf<T>>, every_ms = 1000) {
    this.resource = new Resource((signal) => load(this.#cursors.at(-1) ?? "", signal), every_ms);
  }

  get rows(): T[] | undefined {
    return this.resource.data?.rows;
  }
  get error(): unknown {
    return this.resource.error;
  }
  get page(): number {
    return this.#cursors.length;
  }
  get more(): boolean {
    return Boolean(this.resource.data?.next);
  }

  /** Something else is listed now: from the first page. */
  restart = (): void => {
    untrack(() => {
      this.#cursors = [];
      void this.resource.reset();
    });
  };
  next = (): void => {
    const cursor = this.resource.data?.next;
    if (!cursor) return;
    this.#cursors = [...this.#cursors, cursor];
    void this.resource.reset();
  };
  back = (): void => {
    this.#cursors = this.#cursors.slice(0, -1);
    void this.resource.reset();
  };
  refresh = (): Promise<void> => this.resource.refresh();
  /** soon, coalesced */
  hint = (): void => this.resource.hint();
}
