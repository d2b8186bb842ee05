// page.test.mjs - what the customer sees at /s/<token>: progress while it is made, what is needed once it is live, and never how
// it is made.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { World } from "../lib/world.mjs";

const world = new World("page");
before(() => world.open());
after(() => world.close());

/** The page, fetched as a customer's browser does: without a token. */
async function page(service) {
  const path = typeof service === "string" ? service : new URL(service.customer_url).pathname;
  const answer = await world.api.request("GET", path, undefined, { authorization: "" });
  assert.match(answer.headers.get("content-type"), /^text\/html/);
  return answer;
}

const percent = (text) => Number(/<progress max="100" value="(\d+)"/.exec(text)?.[1]);

/** Nothing of the inside: nodes, commands, panel users, causes, files, other languages of machines. */
function checkPlain(text, { hostNames = false } = {}) {
  for (const { name, address, hostname } of world.lab.status().nodes) {
    if (!hostNames) assert.ok(!text.includes(address), address);
    if (!hostNames) assert.ok(!text.includes(hostname) && !new RegExp(`\\b${name}\\b`).test(text), name);
  }
  assert.doesNotMatch(text, /v-[a-z]+-|hestia|\/home\/|\/tmp\/|\bsudo\b|ssh\b|exit code|panel\.|node\.|berthd|attempt/i);
  const scripts = text.match(/<script[^>]*>/gi) ?? [];
  for (const script of scripts)
    assert.match(script, /^<script type="(application\/json" id="state|module" src="\/assets\/customer\/[\w.-]+)">$/);
  assert.doesNotMatch(text, /onload=|javascript:/i);
}

world.test("it shows progress that only grows, keeps itself fresh, and then the live account", async () => {
  world.panel("pace=fixed 200");
  const order = await world.order("qpage.test");
  const seen = [];
  for (let status = ""; status !== "live"; ) {
    status = (await world.api.service(order.id)).status;
    const { status: code, text, headers } = await page(order);
    assert.equal(code, 200);
    if (text.includes("qpage.test is ready")) break;
    checkPlain(text);
    assert.match(text, /(Setting up|We have your order for) qpage\.test/);
    assert.match(text + (headers.get("refresh") ?? ""), /http-equiv="refresh"|^\d+$/m);
    assert.match(text, /This page keeps itself up to date/);
    seen.push(percent(text));
    if (seen.at(-1) > 20) assert.match(text, /Opening your web space/);
  }
  world.panel("pace=none");
  assert.ok(seen.length > 5 && seen.every((value, index) => index === 0 || value >= seen[index - 1]), seen.join(" "));
  assert.ok(new Set(seen).size >= 5, seen.join(" "));
  assert.ok(seen.every((value) => value < 100), "a full bar is a promise");

  const { text } = await page(await world.status(order.id));
  assert.match(text, /qpage\.test is ready/);
  assert.match(text, /href="http:\/\/qpage\.test\/"/);
  assert.match(text, /info@qpage\.test/);
  assert.match(text, /mail1\.lab\.test/);
  assert.match(text, /ns1\.lab\.test[^]*ns2\.lab\.test/);
  assert.doesNotMatch(text, /http-equiv="refresh"/, "there is nothing more to wait for");
  checkPlain(text, { hostNames: true });
});

world.test("when something has gone wrong for good, it says so kindly and tells nothing of the inside", async () => {
  world.lab.do("panel", "web1", "fail=v-add-web-domain:10");
  const order = await world.order("qsorry.test");
  const service = await world.status(order.id, "failed").catch(() => world.api.service(order.id));
  assert.equal(service.status, "failed");
  assert.match(service.reason, /web\.domain on web1/, "staff see everything");
  const { text } = await page(order);
  assert.match(text, /The setup of qsorry\.test has stopped/);
  assert.match(text, /It does not go on by itself/);
  assert.doesNotMatch(text, /has been told|case has been opened|[Oo]ur (team|staff)/, "no ticket went out");
  checkPlain(text);
  world.lab.do("panel", "web1", "fail=");
  const task = await world.api.task(order.id, "web.domain");
  await world.api.post(`/tasks/${task.id}/retry`);
  await world.status(order.id);
  assert.match((await page(order)).text, /qsorry\.test is ready/);
});

world.test("a node that does not answer is told in the customer's words", async () => {
  world.lab.do("sshd", "ns2", "stop");
  world.lab.do("cut", "ns2");
  await world.daemon.said(/event=node\.down node=ns2/);
  const order = await world.order("qpatient.test");
  await world.task(order.id, "verify.mail", ["done"]);
  const { text } = await page(order);
  assert.match(text, /Setting up qpatient\.test/);
  checkPlain(text);
  world.lab.do("sshd", "ns2", "start");
  await world.status(order.id, "live", 90000);
});

world.test("a wrong link, a link of another service, and a text that wants to be markup", async () => {
  const order = await world.order("qlink.test", { client: { id: "c<b>", name: '<script>alert("x")</script>', email: "a@qlink.test" } });
  const path = new URL(order.customer_url).pathname;
  assert.equal((await page("/s/nothing")).status, 404);
  const forged = path.slice(0, -1) + (path.endsWith("A") ? "B" : "A");
  assert.equal((await page(forged)).status, 404);
  const other = await world.order("qlinkb.test");
  const otherPath = new URL(other.customer_url).pathname;
  const mixed = otherPath.slice(0, 3 + 11) + path.slice(3 + 11); // the other one's number, under this one's signature
  assert.ok(mixed !== path && mixed !== otherPath);
  assert.equal((await page(mixed)).status, 404);
  checkPlain((await page(order)).text, { hostNames: true });
  const headers = (await page(order)).headers;
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.match(headers.get("cache-control") ?? "", /no-store/);
  await world.status(order.id);
  await world.status(other.id);
});
