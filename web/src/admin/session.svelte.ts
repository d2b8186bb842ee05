// session.svelte.ts - who is logged in, and what that person may do.

import { api, ApiError, setCsrf, setUpApi } from "../lib/api";
import type { Access, Session } from "../lib/types";
import { router } from "./router.svelte";
import { t } from "./words";

const RANK: Readonly<Record<Access, number>> = { viewer: 0, operator: 1, owner: 2 };

class SessionState {
  /** null: nobody; undefined: not known yet */
  me = $state.raw<Session | null | undefined>(undefined);
  /** why it is not known, when it could not be asked for */
  error = $state.raw<unknown>(undefined);

  start(): Promise<void> {
    setUpApi({ unauthorized: () => this.lost(), unreachable: t("problem.unreachable"), garbled: t("problem.garbled") });
    return this.ask();
  }

  async ask(): Promise<void> {
    this.error = undefined;
    try {
      this.#take(await api.get<Session>("/session"));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return; // lost() was called
      this.error = error;
    }
  }

  async open(name: string, password: string): Promise<void> {
    const me = await api.post<Session>("/session", { name, password });
    this.#take(me);
    if (me.version === undefined) void this.ask();
    const next = router.query.get("next") ?? "/";
    router.go(next.startsWith("/") && !next.startsWith("//") && !next.startsWith("/login") ? next : "/", { replace: true });
  }

  async close(): Promise<void> {
    await api.delete("/session");
    this.#take(null);
    router.go("/login");
  }

  /** The session has ended elsewhere: to the login, and back to where one was. */
  lost(): void {
    this.#take(null);
    if (router.path === "/login") return;
    const next = router.here();
    router.go(next === "/" ? "/login" : `/login?next=${encodeURIComponent(next)}`, { replace: true });
  }

  may(need: Access): boolean {
    return this.me ? RANK[this.me.role] >= RANK[need] : false;
  }

  /** Why a button is not to be used; "" when it may be. */
  whyNot(need: Access): string {
    if (this.may(need)) return "";
    return t(need === "owner" ? "why.owner" : "why.operator", { role: t(`access.${this.me?.role ?? "viewer"}`) });
  }

  #take(me: Session | null): void {
    this.me = me;
    setCsrf(me?.csrf);
  }
}

export const session = new SessionState();
