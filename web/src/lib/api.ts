// api.ts - the one way to the API: JSON in and out, what is refused becomes an ApiError with the server's sentence.

import type { ProblemBody } from "./types";

/** The API's sentences begin small, as they may follow others; a name of ours (retry.first) stays as it is. */
function begun(sentence: string): string {
  return /^[a-z]+[ ,']/.test(sentence) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

/** What was refused, and why: `message` is a sentence for a person, `kind` what programs look at. */
export class ApiError extends Error {
  readonly status: number;
  /** the end of urn:berth:problem:<kind>; "unreachable" when no answer came */
  readonly kind: string;
  /** the input that is wrong, e.g. client.email; "" when it is none of them */
  readonly field: string;
  /** seconds until it may be asked again; 0 when the server did not say */
  readonly retryAfter: number;

  constructor(status: number, kind: string, message: string, field = "", retryAfter = 0) {
    super(field ? message : begun(message)); // of a field it begins with its name or value
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
    this.field = field;
    this.retryAfter = retryAfter;
  }

  /** The sentence for where it is clear which input is meant. */
  get atField(): string {
    return this.field && this.message.startsWith(`${this.field}: `) ? this.message.slice(this.field.length + 2) : this.message;
  }
}

/** What is wrong with the input of this name; undefined when something else is, or nothing. */
export function wrongAt(error: unknown, field: string): string | undefined {
  return error instanceof ApiError && error.field === field ? error.atField : undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface CallOptions {
  query?: Query;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
  /** how often a call that was answered with 503 is sent again by itself; such a call changed nothing */
  tries?: number;
}

interface Setup {
  /** the session is no longer good */
  unauthorized: (error: ApiError) => void;
  /** the sentence for no answer at all */
  unreachable: string;
  /** the sentence for an answer that is not the API's */
  garbled: string;
}

const setup: Setup = { unauthorized: () => {}, unreachable: "The server does not answer.", garbled: "The server's answer makes no sense." };
let csrf = "";

/** Set once, by the page that uses it. */
export function setUpApi(given: Partial<Setup>): void {
  Object.assign(setup, given);
}

/** The token of the session that proves that a change comes from our page. */
export function setCsrf(token: string | undefined): void {
  csrf = token ?? "";
}

/** `/api/v1` is put before paths that begin with one slash and no /api; empty parts of the query are left out. */
export function apiUrl(path: string, query?: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined && value !== null && value !== "") params.set(name, String(value));
  const asked = params.toString();
  return (path.startsWith("/api/") ? path : `/api/v1${path}`) + (asked ? `?${asked}` : "");
}

function isProblem(body: unknown): body is ProblemBody {
  return typeof body === "object" && body !== null && typeof (body as ProblemBody).detail === "string";
}

async function problemOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    return new ApiError(response.status, "garbled", `${setup.garbled} (${response.status})`, "", retryAfter);
  }
  if (!isProblem(body)) return new ApiError(response.status, "garbled", `${setup.garbled} (${response.status})`, "", retryAfter);
  return new ApiError(response.status, String(body.type).replace("urn:berth:problem:", ""), body.detail, body.field ?? "", retryAfter);
}

const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/** One call. Rejects with an ApiError (or the AbortError of `signal`). */
export async function call<T>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["Berth-CSRF"] = csrf;
  for (let tries = options.tries ?? 3; ; tries--) {
    let response: Response;
    try {
      response = await fetch(apiUrl(path, options.query), {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        credentials: "same-origin",
        cache: "no-store",
        signal: options.signal ?? null,
      });
    } catch (error) {
      if (options.signal?.aborted) throw error;
      throw new ApiError(0, "unreachable", setup.unreachable);
    }
    if (response.ok) {
      if (response.status === 204) return undefined as T;
      try {
        return (await response.json()) as T;
      } catch {
        throw new ApiError(response.status, "garbled", setup.garbled);
      }
    }
    const error = await problemOf(response);
    if (response.status === 503 && tries > 1 && error.retryAfter <= 5) {
      await pause(Math.max(error.retryAfter, 0.3) * 1000, options.signal);
      continue;
    }
    if (response.status === 401 && error.kind !== "wrong-login") setup.unauthorized(error);
    throw error;
  }
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> => call<T>("GET", path, undefined, { ...(query && { query }), ...(signal && { signal }) }),
  post: <T>(path: string, body: unknown = {}, options?: CallOptions): Promise<T> => call<T>("POST", path, body, options),
  put: <T>(path: string, body: unknown, options?: CallOptions): Promise<T> => call<T>("PUT", path, body, options),
  patch: <T>(path: string, body: unknown, options?: CallOptions): Promise<T> => call<T>("PATCH", path, body, options),
  delete: <T>(path: string, options?: CallOptions): Promise<T> => call<T>("DELETE", path, undefined, options),
};

/** The sentence of anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
