// lib-api.test.mjs - the way to the API: what is refused keeps the server's sentence, 503 is asked again, a lost session is told.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load } from "./load.mjs";

const { api, apiUrl, ApiError, call, setCsrf, setUpApi, wrongAt } = await load("lib/api.ts");

let answers, asked, lost;
beforeEach(() => {
  answers = [];
  asked = [];
  lost = 0;
  setCsrf(undefined);
  setUpApi({ unauthorized: () => lost++, unreachable: "Nobody answers.", garbled: "That makes no sense." });
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return new Response(answer.text ?? (answer.body === undefined ? null : JSON.stringify(answer.body)), { status: answer.status, headers: answer.headers });
  };
});
const problem = (status, kind, detail, field, headers) => ({ status, headers, body: { type: `urn:berth:problem:${kind}`, title: "", status, detail, field } });
const refused = async (promise) => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  throw new Error("it was not refused");
};

test("paths and queries", () => {
  assert.equal(apiUrl("/services", { status: "live", cursor: "", q: null, limit: 50 }), "/api/v1/services?status=live&limit=50");
  assert.equal(apiUrl("/api/v1/x"), "/api/v1/x");
});

test("a change says whose page it comes from, a look does not", async () => {
  setCsrf("proof");
  answers = [{ status: 200, body: {} }, { status: 204 }];
  await api.get("/nodes");
  await api.delete("/tokens/1");
  assert.equal(asked[0].headers["Berth-CSRF"], undefined);
  assert.equal(asked[1].headers["Berth-CSRF"], "proof");
});

test("what is refused keeps its sentence and its field", async () => {
  answers = [problem(422, "bad-value", "client.email: must have an @.", "client.email")];
  const error = await refused(api.post("/services", {}));
  assert.equal(error.kind, "bad-value");
  assert.equal(error.message, "client.email: must have an @.");
  assert.equal(wrongAt(error, "client.email"), "must have an @.");
  assert.equal(wrongAt(error, "domain"), undefined);
  answers = [problem(409, "conflict", "something is under way.")];
  assert.equal((await refused(api.post("/services/1/retry"))).message, "Something is under way.");
});

test("503 is asked again, as nothing was changed; but not for ever, and not after a long pause", async () => {
  const busy = () => problem(503, "busy", "it is busy.", undefined, { "Retry-After": "0" });
  answers = [busy(), { status: 200, body: { ok: true } }];
  assert.deepEqual(await api.post("/services", {}), { ok: true });
  answers = [busy(), busy(), busy(), busy()];
  assert.equal((await refused(api.get("/queue"))).status, 503);
  assert.equal(answers.length, 1);
  answers = [problem(503, "stopping", "it stops.", undefined, { "Retry-After": "30" })];
  assert.equal((await refused(api.get("/queue"))).retryAfter, 30);
});

test("a lost session is told; a wrong password is none", async () => {
  answers = [problem(401, "no-token", "a token is needed.")];
  await refused(api.get("/queue"));
  assert.equal(lost, 1);
  answers = [problem(401, "wrong-login", "name or password is wrong.")];
  await refused(api.post("/session", {}));
  assert.equal(lost, 1);
});

test("no answer, and an answer of somebody else", async () => {
  answers = [new TypeError("fetch failed"), { status: 502, text: "<html>" }, { status: 200, text: "<html>" }];
  assert.deepEqual([(await refused(api.get("/a"))).message, (await refused(api.get("/a"))).message, (await refused(api.get("/a"))).message], [
    "Nobody answers.",
    "That makes no sense. (502)",
    "That makes no sense.",
  ]);
});

test("who leaves the page is not told that nobody answers", async () => {
  const leave = new AbortController();
  leave.abort();
  answers = [leave.signal.reason];
  await assert.rejects(call("GET", "/a", undefined, { signal: leave.signal }), { name: "AbortError" });
});
