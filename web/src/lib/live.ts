// live.ts - a stream of the server's events that survives lost connections and hidden tabs without a gap.
//
// The browser's EventSource reconnects by itself and tells the last id; what it gives up on (an answer that is not 200) is opened
// again here with growing pauses, and a hidden tab's stream is closed and opened again from the last id when it is looked at.

export type LiveState = "connecting" | "live" | "lost";

export interface LiveOptions {
  /** what is called with the data (parsed JSON) of each event of that name, and its id */
  on: Readonly<Record<string, (data: never, id: string) => void>>;
  /** called when something may have been missed or streams are not to be had: look at the plain resource again */
  resync?: () => void;
  /** the name of the query parameter that says where to go on: after, offset */
  from?: string;
  /** where to begin */
  start?: string | number;
  state?: (state: LiveState) => void;
}

export interface Live {
  close(): void;
  /** the id of the last event */
  readonly last: string;
}

const HIDDEN_MS = 5000; // a glance at another tab closes nothing
const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 15000;

export function live(url: string, options: LiveOptions): Live {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause_ms = PAUSE_MS;
  let last = options.start === undefined ? "" : String(options.start);
  let closed = false;
  let opened = false;

  const say = (state: LiveState): void => options.state?.(state);

  function open(): void {
    clearTimeout(timer);
    if (closed || source) return;
    say("connecting");
    const address = options.from && last !== "" ? `${url}${url.includes("?") ? "&" : "?"}${options.from}=${encodeURIComponent(last)}` : url;
    const mine = new EventSource(address);
    source = mine;
    mine.onopen = () => {
      pause_ms = PAUSE_MS;
      say("live");
      // without a place to go on from, whatever happened before it opened was not heard
      if (opened || !options.from) options.resync?.();
      opened = true;
    };
    mine.onerror = () => {
      if (source !== mine) return;
      say(mine.readyState === EventSource.CLOSED ? "lost" : "connecting");
      if (mine.readyState !== EventSource.CLOSED) return; // it tries again by itself
      source = null;
      timer = setTimeout(() => {
        options.resync?.();
        open();
      }, pause_ms);
      pause_ms = Math.min(pause_ms * 2, PAUSE_MS_MAX);
    };
    for (const [name, heard] of Object.entries(options.on))
      mine.addEventListener(name, (event: MessageEvent<string>) => {
        if (source !== mine) return;
        if (event.lastEventId) last = event.lastEventId;
        let data: unknown;
        try {
          data = event.data ? JSON.parse(event.data) : {};
        } catch {
          console.error(`${url}: ${name} is no JSON`);
          return;
        }
        heard(data as never, event.lastEventId);
      });
  }

  function shut(): void {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function seen(): void {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(shut, HIDDEN_MS);
      return;
    }
    if (!source) {
      options.resync?.();
      opened = false;
    }
    open();
  }

  document.addEventListener("visibilitychange", seen);
  if (!document.hidden) open();
  return {
    close(): void {
      closed = true;
      document.removeEventListener("visibilitychange", seen);
      shut();
    },
    get last(): string {
      return last;
    },
  };
}

/** Calls `run` soon, at most once in `every_ms`, however often it is asked for. */
export function coalesce(run: () => void, every_ms: number): { (): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = -Infinity;
  const ask = (): void => {
    if (timer !== undefined) return;
    timer = setTimeout(
      () => {
        timer = undefined;
        last = performance.now();
        run();
      },
      Math.max(0, last + every_ms - performance.now()),
    );
  };
  ask.cancel = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  return ask;
}
