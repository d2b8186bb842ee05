// speak.svelte.ts - what a screen reader says besides what it reads: one sentence at a time, and not one upon the other.

const PAUSE_MS = 4000; // steps that follow each other faster are not worth saying

export const speech = $state({ text: "" });

let spokenAt = 0;
let next = "";
let timer: ReturnType<typeof setTimeout> | undefined;

/** What was said, or was to be said next, is over. */
export function hush(): void {
  clearTimeout(timer);
  timer = undefined;
  speech.text = "";
}

/** Say it now. */
export function speak(text: string): void {
  clearTimeout(timer);
  timer = undefined;
  spokenAt = Date.now();
  speech.text = speech.text === text ? `${text}\u00a0` : text; // the same words again are no change to a live region
}

/** Say it when a while has gone by since the last sentence, unless something newer is to be said by then. */
export function speakInTurn(text: string): void {
  next = text;
  timer ??= setTimeout(() => speak(next), Math.max(400, spokenAt + PAUSE_MS - Date.now()));
}
