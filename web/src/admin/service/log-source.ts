// log-source.ts - brings an attempt's log into its model. From the server: the backlog first, then what comes, by the server's stream; by
// asking again and again where there is no stream. The model's cursor is where it goes on after anything that breaks: no gap, nothing
// twice. Or from where all of it stands already.
import { api, apiUrl, sentenceOf } from "../../lib/api";
import type { AttemptOutcome, Log, LogChunk, Moment } from "../../lib/types";
import type { LogModel } from "./log-model";

export type LogState = "loading" | "live" | "asking" | "lost" | "ended";

export interface LogEnd {
  outcome: AttemptOutcome;
  removed_at: Moment;
  truncated: boolean;
}

export interface LogListener {
  /** lines were added */
  changed: () => void;
  /** the sentence says more than the state's own words; may be empty */
  state: (state: LogState, sentence: string) => void;
  /** nothing more comes */
  ended: (how: LogEnd) => void;
}

/** Where a log comes from: starts to bring it. @return ends it */
export type LogSource = (model: LogModel, listener: LogListener) => () => void;

interface LogMessage {
  offset: number;
  chunks: LogChunk[];
  next_offset: number;
}

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 8000;
const ASK_MS = 1000;
/** So many openings in a row without an answer, and it is asked for instead. */
const FAILURES = 2;
/** A stream that stood so long was a good one. */
const GOOD_MS = 5000;
const HIDDEN_MS = 5000; // a glance at another tab ends nothing

/** The log of an attempt as the server has it, and what is added to it. */
export const followLog = (attemptId: string): LogSource => (model, listener) => follow(attemptId, model, listener);

/**
 * A log of which all is there, and nothing more comes.
 * @param next_offset  where a further piece would begin
 */
export function standingLog(chunks: readonly LogChunk[], next_offset: number, how: LogEnd, sentence = ""): LogSource {
  return (model, listener) => {
    model.addAll(chunks, next_offset);
    model.finish();
    listener.changed();
    listener.state("ended", sentence);
    listener.ended(how);
    return () => {};
  };
}

function follow(attemptId: string, model: LogModel, listener: LogListener): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  let rests = false; // nobody has looked at the tab for a while
  let failures = 0;
  const abort = new AbortController();

  function shut(): void {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function end(how: LogEnd): void {
    if (closed) return;
    leave();
    model.finish();
    listener.changed();
    listener.state("ended", "");
    listener.ended(how);
  }

  function open(): void {
    shut();
    if (closed || rests) return;
    const mine = new EventSource(apiUrl(`/attempts/${attemptId}/stream`, { offset: model.cursor }));
    source = mine;
    let since = 0;
    mine.onopen = () => {
      since = Date.now();
      listener.state("live", "");
    };
    mine.addEventListener("log", (event: MessageEvent<string>) => {
      if (source !== mine) return;
      failures = 0;
      const message = JSON.parse(event.data) as LogMessage;
      if (model.addAll(message.chunks, message.next_offset)) listener.changed();
      else open(); // something is missing in between: from the cursor once more
    });
    mine.addEventListener("end", (event: MessageEvent<string>) => {
      if (source !== mine) return;
      const how = JSON.parse(event.data || "{}") as Partial<LogEnd>;
      end({ outcome: how.outcome ?? "done", removed_at: how.removed_at ?? null, truncated: how.truncated ?? false });
    });
    mine.onerror = () => {
      if (source !== mine) return;
      if (since > 0 && Date.now() - since > GOOD_MS) failures = 0;
      shut(); // the browser would go on from where the address says, not from where we are
      failures++;
      listener.state("lost", "");
      timer = setTimeout(failures > FAILURES ? () => void ask() : open, Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MS_MAX));
    };
  }

  async function ask(): Promise<void> {
    if (closed || rests) return;
    try {
      const log = await api.get<Log>(`/attempts/${attemptId}/log`, { offset: model.cursor }, abort.signal);
      if (closed) return;
      const before = model.cursor;
      model.addAll(log.chunks, log.next_offset);
      if (model.cursor > before) listener.changed();
      if (log.ended) {
        end(log);
        return;
      }
      listener.state("asking", "");
      timer = setTimeout(() => void ask(), model.cursor > before ? 50 : ASK_MS);
    } catch (error) {
      if (closed || abort.signal.aborted) return;
      listener.state("lost", sentenceOf(error));
      timer = setTimeout(() => void ask(), PAUSE_MS_MAX / 2);
    }
  }

  function rest(): void {
    rests = true;
    shut();
  }

  /** A hidden tab hears nothing after a while; one that was put to sleep may have lost its stream without having been told. */
  function seen(): void {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(rest, HIDDEN_MS);
    } else if (rests || source?.readyState === EventSource.CLOSED) {
      rests = false;
      failures = 0;
      open();
    }
  }

  function leave(): void {
    closed = true;
    clearTimeout(hiding);
    document.removeEventListener("visibilitychange", seen);
    shut();
  }

  document.addEventListener("visibilitychange", seen);
  open();
  return () => {
    leave();
    abort.abort();
  };
}
