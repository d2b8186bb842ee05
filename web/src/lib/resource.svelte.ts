// resource.svelte.ts - something the API tells, kept for a page: what was last heard, whether it is asked for, what went wrong.

import { onDestroy } from "svelte";
import { coalesce } from "./live";

export class Resource<T> {
  /** what was last heard; stays while it is asked for again */
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<unknown>(undefined);
  loading = $state(false);
  #load: (signal: AbortSignal) => Promise<T>;
  #flight: AbortController | null = null;
  #again = false;
  /** ask again soon, coalesced: as often as hints come, but not more often than `every_ms` */
  readonly hint: () => void;

  constructor(load: (signal: AbortSignal) => Promise<T>, every_ms: number) {
    this.#load = load;
    const ask = coalesce(() => void this.refresh(), every_ms);
    this.hint = ask;
    onDestroy(() => {
      ask.cancel();
      this.#flight?.abort();
    });
  }

  /** Ask again now. While it is asked already, once more after that. Never rejects: see `error`. */
  async refresh(): Promise<void> {
    if (this.#flight) {
      this.#again = true;
      return;
    }
    const flight = new AbortController();
    this.#flight = flight;
    this.loading = true;
    try {
      const heard = await this.#load(flight.signal);
      if (this.#flight !== flight) return;
      this.data = heard;
      this.error = undefined;
    } catch (error) {
      if (this.#flight !== flight || flight.signal.aborted) return;
      this.error = error;
    }
    this.#flight = null;
    this.loading = false;
    if (this.#again) {
      this.#again = false;
      this.hint();
    }
  }

  /** What is asked for is another thing now: what was heard is let go, an answer under way ignored. */
  reset(): Promise<void> {
    this.#flight?.abort();
    this.#flight = null;
    this.#again = false;
    this.data = undefined;
    this.error = undefined;
    return this.refresh();
  }
}

/** To be called while a component is made. Asks at once. */
export function resource<T>(load: (signal: AbortSignal) => Promise<T>, every_ms = 500): Resource<T> {
  const made = new Resource(load, every_ms);
  void made.refresh();
  return made;
}
