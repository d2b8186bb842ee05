// clock.svelte.ts - one second hand for everything on the page that says a time. It stands still while nobody looks.

export const clock = $state({ now: Date.now() });

export function startClock(): () => void {
  const tick = () => {
    if (!document.hidden) clock.now = Date.now();
  };
  const timer = setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  };
}

export const language = document.documentElement.lang || "en";
