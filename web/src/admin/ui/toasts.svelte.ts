// toasts.svelte.ts - short words about what was just done, or why it was not; what failed stays until it is closed.

import { sentenceOf } from "../../lib/api";

export interface Toast {
  id: number;
  tone: "green" | "red";
  text: string;
}

const SHOWN_MS = 6000;
let count = 0;

class Toasts {
  list = $state<Toast[]>([]);

  done(text: string): void {
    const id = this.#add("green", text);
    setTimeout(() => this.close(id), SHOWN_MS);
  }

  failed(error: unknown): void {
    this.#add("red", sentenceOf(error));
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(tone: Toast["tone"], text: string): number {
    const id = ++count;
    this.list = [...this.list.filter((toast) => toast.text !== text).slice(-3), { id, tone, text }];
    return id;
  }
}

export const toasts = new Toasts();
