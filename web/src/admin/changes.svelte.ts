// changes.svelte.ts - one stream for all lists of a page: the server says that something changed, and they ask again.

import { onDestroy } from "svelte";
import { apiUrl } from "../lib/api";
import { live, type Live, type LiveState } from "../lib/live";
import type { Change } from "../lib/types";

/** something may have been missed: everything may have changed */
export const ALL: Change & { all: true } = { services: [], nodes: [], queue: true, tickets: true, all: true };
export type Heard = (change: Change & { all?: boolean }) => void;

const listeners = new Set<Heard>();
const overhearing = new Set<Heard>();
let stream: Live | null = null;
let state = $state<LiveState>("connecting");

/** Whether changes are heard at the moment. */
export function liveness(): LiveState {
  return state;
}

function tellAll(change: Parameters<Heard>[0]): void {
  for (const tell of [...listeners, ...overhearing]) tell(change);
}

/** Hears what a page listens for, but opens no stream for itself: a browser has few connections to one host. */
export function overhearChanges(heard: Heard): void {
  overhearing.add(heard);
  onDestroy(() => overhearing.delete(heard));
}

/** To be called while a component is made; ends with it. */
export function watchChanges(heard: Heard): void {
  listeners.add(heard);
  stream ??= live(apiUrl("/stream"), {
    on: { change: (change: Change) => tellAll(change) },
    resync: () => tellAll(ALL),
    state: (now) => (state = now),
  });
  onDestroy(() => {
    listeners.delete(heard);
    queueMicrotask(() => {
      if (listeners.size > 0) return; // the next page listens already
      stream?.close();
      stream = null;
    });
  });
}

export const servicesChanged = (change: Change & { all?: boolean }): boolean => Boolean(change.all) || change.services.length > 0;
export const nodesChanged = (change: Change & { all?: boolean }): boolean => Boolean(change.all) || change.nodes.length > 0;
