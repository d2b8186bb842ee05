// router.svelte.ts - which page is shown: the address under /admin, its parts and its query; changed without loading the page anew.

import type { Component } from "svelte";
import type { NavName } from "./routes";

/** What every page is given. */
export interface PageProps {
  /** the parts of the address that a route names with a colon, decoded */
  params: Readonly<Record<string, string>>;
}

export interface Route {
  /** each like "/services/:id/tasks/:task"; one page may have several addresses and stays on the screen between them */
  paths: readonly string[];
  /** a page takes PageProps, or nothing */
  load: () => Promise<{ default: Component<PageProps> | Component }>;
  /** which entry of the menu is marked */
  nav: NavName | "";
  /** shown without menu and session */
  bare?: boolean;
}

export interface Match {
  route: Route;
  params: Readonly<Record<string, string>>;
  /** another one is another page: made anew, and the focus goes to its heading */
  key: string;
}

export const BASE = "/admin";

/** Is given what goes on; does it when the person agrees. */
export type Keeper = (go: () => void) => void;

/** "/services" of "/services/?status=live" */
const pathOf = (address: string): string => address.replace(/[?#].*$/, "").replace(/\/+$/, "") || "/";

class Router {
  /** below /admin, with a slash in front: "/services/7" */
  path = $state("/");
  query = $state.raw(new URLSearchParams());
  hash = $state("");
  /** another one whenever a link was followed or the browser went somewhere, be it to the address that is shown already */
  visit = $state.raw({});
  #moved = false;
  #keeper: Keeper | null = null;
  #address = "";

  start(): void {
    this.#read();
    addEventListener("popstate", () => {
      const to = location.pathname.slice(BASE.length) + location.search + location.hash || "/";
      if (this.#keeper && pathOf(to) !== this.path) {
        history.pushState(null, "", this.#address); // back to where one still is
        this.go(to);
        return;
      }
      this.#moved = true;
      this.visit = {};
      this.#read();
    });
  }

  /** `to` is below /admin: "/services?status=live" */
  go(to: string, how: { replace?: boolean } = {}): void {
    if (this.#keeper && pathOf(to) !== this.path && pathOf(to) !== "/login") {
      this.leave(() => this.go(to, how));
      return;
    }
    this.visit = {};
    const address = BASE + (to === "/" ? "" : to.startsWith("/?") ? to.slice(1) : to);
    if (address === location.pathname + location.search + location.hash) return;
    this.#moved = true;
    history[how.replace ? "replaceState" : "pushState"](null, "", address);
    this.#read();
  }

  /** Something on the page would be lost with it: whoever wants to go elsewhere is asked by `keeper`. @return takes that back */
  keep(keeper: Keeper): () => void {
    this.#keeper = keeper;
    return () => {
      if (this.#keeper === keeper) this.#keeper = null;
    };
  }

  /** Does what leaves the page, at once or when the person has agreed. */
  leave(go: () => void): void {
    const keeper = this.#keeper;
    if (!keeper) go();
    else
      keeper(() => {
        if (this.#keeper === keeper) this.#keeper = null;
        go();
      });
  }

  /** Changes parts of the query in place, e.g. a filter; null takes one out. Makes no new entry in the history. */
  setQuery(changes: Readonly<Record<string, string | null>>): void {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes))
      if (value === null || value === "") query.delete(name);
      else query.set(name, value);
    const asked = query.toString();
    history.replaceState(null, "", location.pathname + (asked ? `?${asked}` : "") + location.hash);
    this.#read();
  }

  /** Whether the page that now appears was come to by a link, so that its heading takes the focus; says so once. */
  takeMoved(): boolean {
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  /** Where the browser is now, to come back to it. */
  here(): string {
    return this.path + location.search + location.hash;
  }

  #read(): void {
    this.#address = location.pathname + location.search + location.hash;
    const path = pathOf(location.pathname.slice(BASE.length));
    if (path !== this.path) this.path = path;
    if (location.search.slice(1) !== this.query.toString()) this.query = new URLSearchParams(location.search);
    if (location.hash !== this.hash) this.hash = location.hash;
  }
}

export const router = new Router();

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split("/");
  const have = path.split("/");
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < want.length; i++) {
    const part = want[i] ?? "";
    if (part.startsWith(":")) {
      try {
        params[part.slice(1)] = decodeURIComponent(have[i] ?? "");
      } catch {
        return null;
      }
    } else if (part !== have[i]) return null;
  }
  return params;
}

/** The first route that has the address. */
export function matchRoute(routes: readonly Route[], path: string): Match | null {
  for (const [index, route] of routes.entries())
    for (const pattern of route.paths) {
      const params = matchPath(pattern, path);
      if (params) return { route, params, key: `${index}:${params.id ?? params.name ?? ""}` };
    }
  return null;
}
