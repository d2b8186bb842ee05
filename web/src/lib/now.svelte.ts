// now.svelte.ts - the moment it is, for what counts seconds on a page. Ticks only while somebody looks at it.

import { createSubscriber } from "svelte/reactivity";

const ticking = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

/** Milliseconds; what reads it in a template or effect is run again each second. */
export function now(): number {
  ticking();
  return Date.now();
}
