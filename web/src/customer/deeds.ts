// deeds.ts - what a customer can ask for from this page. The header is one that a form on another site cannot send.
import type { Credential } from "./state";

/** `words`: why not, in the customer's words; "" where berthd has none for it. */
export type Answer<T> = { ok: true; value: T } | { ok: false; shownAlready: boolean; words: string };

/** Of a refusal only what is meant for customers is shown: what they may do later, or not any more. */
async function refusal(answer: Response): Promise<Answer<never>> {
  const problem = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string };
  const meant = [409, 410, 429].includes(answer.status);
  return { ok: false, shownAlready: problem.type?.endsWith("shown-already") ?? false, words: (meant && problem.detail) || "" };
}

async function post<T>(address: string, read: (answer: Response) => Promise<T>): Promise<Answer<T>> {
  try {
    const answer = await fetch(address, { method: "POST", headers: { "berth-page": "1" }, cache: "no-store" });
    return answer.ok ? { ok: true, value: await read(answer) } : await refusal(answer);
  } catch {
    return { ok: false, shownAlready: false, words: "" };
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
