// theme.svelte.ts - light, dark, or as the system says; remembered in this browser.

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "berth-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

class ThemeState {
  chosen = $state<Theme>("auto");

  start(): void {
    try {
      const kept = localStorage.getItem(KEY);
      if (kept === "light" || kept === "dark") this.chosen = kept;
    } catch {
      // a browser that keeps nothing: as the system says
    }
    dark.addEventListener("change", () => this.#show());
    this.#show();
  }

  choose(theme: Theme): void {
    this.chosen = theme;
    try {
      if (theme === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // it holds until the page is closed
    }
    this.#show();
  }

  #show(): void {
    document.documentElement.dataset.bsTheme = this.chosen === "auto" ? (dark.matches ? "dark" : "light") : this.chosen;
  }
}

export const theme = new ThemeState();
