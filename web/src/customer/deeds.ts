// deeds.ts - what a customer can ask for from this page. The header is one that a form on another site cannot send.
import type { Credential } from "./state";

export type Answer<T> = { ok: true; value: T } | { ok: false; status: number };

async function post<T>(address: string, read: (answer: Response) => Promise<T>): Promise<Answer<T>> {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "berth-page": "1" }, cache: "no-store" });
    return answer.ok ? { ok: true, value: await read(answer) } : { ok: false, status: answer.status };
  } catch {
    return { ok: false, status: 0 };
  }
}

const nothing = async () => null;

export function revealCredentials(address: string): Promise<Answer<Credential[]>> {
  return post(`${address}/credentials`, async (answer) => ((await answer.json()) as { credentials: Credential[] }).credentials);
}

export function changePasswords(address: string): Promise<Answer<null>> {
  return post(`${address}/password`, nothing);
}

export function retry(address: string): Promise<Answer<null>> {
  return post(`${address}/retry`, nothing);
}
