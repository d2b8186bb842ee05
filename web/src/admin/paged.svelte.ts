// paged.svelte.ts - a list that the API gives page by page; goes back by the cursors that it came by. And what it is filtered by: that
// is kept in the address, so that a link shows what its sender saw.

import { untrack } from "svelte";
import { Resource } from "../lib/resource.svelte";
import type { Cursor } from "../lib/types";
import { router } from "./router.svelte";

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

/** A part of the address's query that says what is listed; "" when it is not there. To be made with a component. */
export class Filter<V extends string = string> {
  readonly name: string;
  readonly #read: (text: string) => V | "";
  readonly value: V | "" = $derived.by(() => this.#read(router.query.get(this.name) ?? ""));

  /** `read` says what stands for the text of the address: one that it does not know is none. */
  constructor(name: string, read: (text: string) => V | "") {
    this.name = name;
    this.#read = read;
  }

  choose = (value: string): void => router.setQuery({ [this.name]: value });
}

/** For a filter with a few values. */
export const oneOf =
  <V extends string>(values: readonly V[]) =>
  (text: string): V | "" =>
    values.find((value) => value === text) ?? "";

/** A list with filters: from the first page whenever one has changed. To be made with a component; asks at once. */
export class Filtered<T> extends Paged<T> {
  readonly #filters: readonly Filter[];

  constructor(filters: readonly Filter[], load: (cursor: string, signal: AbortSignal) => Promise<PageOf<T>>) {
    super(load);
    this.#filters = filters;
    $effect(() => {
      for (const filter of filters) void filter.value;
      this.restart();
    });
  }

  /** whether there is one */
  get filtered(): boolean {
    return this.#filters.some((filter) => filter.value !== "");
  }
  /** All is listed again. */
  clear = (): void => router.setQuery(Object.fromEntries(this.#filters.map((filter) => [filter.name, null])));
}
