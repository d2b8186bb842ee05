// input.test.mjs - bad input gets a clear error, which names the field and says why, and changes nothing in the database.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before } from "node:test";
import { World } from "../lib/world.mjs";

const world = new World("input", { nodes: "web1:web" });

before(async () => {
  await world.open({ catalogue: false });
  await world.addGroup();
  await world.addProduct();
  await world.addNode("web1");
  await world.nodesUp();
  await world.order("taken.test", { external_id: "ext-1", client: { id: "c-1", email: "a@taken.test" } }, { "idempotency-key": "key-1" });
});
after(() => world.close());

/** Everything that is stored, but for who owns the database and until when. */
function stored() {
  const tables = ["service", "account", "operation", "task", "attempt", "event", "fact", "secret", "ssl_request", "node_group", "node", "node_membership", "product", "zone_template", "token", "counter"];
  const run = spawnSync("sqlite3", ["-readonly", world.database, ...tables.map((table) => `SELECT '${table}', * FROM ${table};`)], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /taken\.test/);
  return run.stdout;
}

const order = (more) => ({ product: "start", domain: "fresh.test", client: { id: "c-2", name: "Eve", email: "eve@fresh.test" }, ...more });
const without = (field) => Object.fromEntries(Object.entries(order()).filter(([key]) => key !== field));
const node = (more) => ({ name: "web9", roles: ["web"], groups: ["eu"], address: "192.0.2.9", hostname: "web9.example.net", host_key: world.lab.node("web1").host_key, ...more });
const product = (more) => ({ name: "other", group: "eu", web: {}, ...more });
const long = (length) => "a".repeat(length);

const BAD_DOMAINS = [
  ["one label", "localhost"],
  ["an address", "192.0.2.1"],
  ["a blank in it", "a b.test"],
  ["an underscore", "a_b.test"],
  ["a hyphen in front", "-a.test"],
  ["two dots", "a..test"],
  ["a label of 64", `${long(64)}.test`],
  ["too long", `${`${long(60)}.`.repeat(5)}test`],
  ["not IDNA 2008", "\u2603.test"],
  ["a path", "a.test/x"],
  ["a quote", "a'b.test"],
  ["a dot alone", "."],
];

/** what, method and path, body, [status, kind, field, words], headers */
const CASES = [
  // an order: form
  ["no JSON", "POST /services", "{product:", [400, "not-json", undefined, /./]],
  ["nothing at all", "POST /services", "", [400, "not-json", undefined, /./]],
  ["a list", "POST /services", "[]", [422, "wrong-type", undefined, /object/]],
  ["JSON with something behind it", "POST /services", `${JSON.stringify(order())} x`, [400, "not-json", undefined, /./]],
  ["a field twice", "POST /services", '{"product":"start","product":"start"}', [400, "not-json", undefined, /./]],
  ["bytes that are no UTF-8", "POST /services", Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), [400, "not-json", undefined, /./]],
  ["a megabyte", "POST /services", JSON.stringify(order({ domain: long(1 << 20) })), [413, "too-large", undefined, /./]],
  ["an unknown field", "POST /services", order({ domian: "x.test" }), [422, "unknown-field", "domian", /domian is not known: did you mean domain/]],
  ["an unknown field of the client", "POST /services", order({ client: { id: "1", email: "a@b.test", nmae: "x" } }), [422, "unknown-field", "client.nmae", /client\.name/]],
  ["no product", "POST /services", () => without("product"), [422, "missing-field", "product", /product is missing/]],
  ["no domain", "POST /services", () => without("domain"), [422, "missing-field", "domain", /domain is missing/]],
  ["no client", "POST /services", () => without("client"), [422, "missing-field", "client", /client is missing/]],
  ["no client id", "POST /services", order({ client: { email: "a@b.test" } }), [422, "missing-field", "client.id", /client\.id is missing/]],
  ["no e-mail", "POST /services", order({ client: { id: "1" } }), [422, "missing-field", "client.email", /client\.email is missing/]],
  ["a number as domain", "POST /services", order({ domain: 7 }), [422, "wrong-type", "domain", /domain must be a text, not a number/]],
  ["a text as client", "POST /services", order({ client: "Eve" }), [422, "wrong-type", "client", /client must be an object, not a text/]],
  ["a list as options", "POST /services", order({ options: [] }), [422, "wrong-type", "options", /options must be an object/]],
  ["an empty domain", "POST /services", order({ domain: "" }), [422, "bad-value", "domain", /empty/]],
  ["a control character", "POST /services", order({ client: { id: "1", name: "a\u0007b", email: "a@b.test" } }), [422, "bad-value", "client.name", /control character/]],
  ["a very long external id", "POST /services", order({ external_id: long(129) }), [422, "bad-value", "external_id", /too long: 129 bytes, at most 128/]],
  ["no e-mail address", "POST /services", order({ client: { id: "1", email: "ada" } }), [422, "bad-value", "client.email", /./]],
  ["an e-mail address with a line break", "POST /services", order({ client: { id: "1", email: "a@b.test\nBcc: x@y.test" } }), [422, "bad-value", "client.email", /./]],
  // an order: meaning
  ["an unknown product", "POST /services", order({ product: "gold" }), [422, "bad-value", "product", /there is no product "gold"/]],
  ["a domain that is taken", "POST /services", order({ domain: "taken.test" }), [409, "conflict", "domain", /taken\.test is hosted already/]],
  ["the same with www. and capitals", "POST /services", order({ domain: "WWW.Taken.Test." }), [409, "conflict", "domain", /taken\.test is hosted already/]],
  ["a domain below another client's", "POST /services", order({ domain: "shop.taken.test" }), [409, "conflict", "domain", /under taken\.test/]],
  ["an external id of another order", "POST /services", order({ external_id: "ext-1" }), [409, "conflict", "external_id", /taken\.test/]],
  ["an Idempotency-Key of another order", "POST /services", order(), [409, "conflict", "Idempotency-Key", /taken\.test/], { "idempotency-key": "key-1" }],
  ["an Idempotency-Key with a blank", "POST /services", order(), [400, "bad-header", "Idempotency-Key", /./], { "idempotency-key": "a b" }],
  ["an Idempotency-Key that is too long", "POST /services", order(), [400, "bad-header", "Idempotency-Key", /1 to 255 characters, not 256/], { "idempotency-key": long(256) }],
  ...BAD_DOMAINS.map(([what, domain]) => [`as domain: ${what}`, "POST /services", order({ domain }), [422, "bad-value", "domain", /./]]),
  ["an unknown option", "POST /services", order({ options: { mailbx: "info" } }), [422, /unknown-field|bad-value/, "options.mailbx", /./]],
  ["a mailbox with a blank", "POST /services", order({ options: { mailbox: "in fo" } }), [422, "bad-value", "options.mailbox", /./]],
  ["a mailbox with a path in it", "POST /services", order({ options: { mailbox: "../info" } }), [422, "bad-value", "options.mailbox", /./]],
  ["a quota below zero", "POST /services", order({ options: { mailbox_quota_mb: -5 } }), [422, "bad-value", "options.mailbox_quota_mb", /./]],
  ["a PHP version that is none", "POST /services", order({ options: { php: "8.2; rm" } }), [422, "bad-value", "options.php", /./]],
  // who asks
  ["no token", "POST /services", order(), [401, "no-token", undefined, /Authorization/], { authorization: "" }],
  ["a token of no form", "GET /services", undefined, [401, "wrong-token", undefined, /./], { authorization: "Bearer x" }],
  ["a token that nobody has", "GET /services", undefined, [401, "wrong-token", undefined, /not known/], { authorization: `Bearer berth_${long(43)}` }],
  ["Basic instead of Bearer", "GET /services", undefined, [401, "no-token", undefined, /Bearer/], { authorization: "Basic YTpi" }],
  // addresses and queries
  ["an address that is none", "GET /nothing", undefined, [404, "not-found", undefined, /./]],
  ["a service that is none", "GET /services/999", undefined, [404, "not-found", undefined, /999/]],
  ["an id that is none", "GET /services/abc", undefined, [404, "not-found", undefined, /./]],
  ["a method that is not offered", "DELETE /services/1", undefined, [405, "method-not-allowed", undefined, /only GET/]],
  ["an unknown query parameter", "GET /services?staus=live", undefined, [400, "bad-query", "staus", /did you mean status/]],
  ["an unknown status", "GET /services?status=alive", undefined, [400, "bad-query", "status", /accepted, waiting/]],
  ["a limit out of range", "GET /services?limit=100000", undefined, [400, "bad-query", "limit", /between 1 and 200/]],
  ["a cursor that is no number", "GET /services?cursor=x", undefined, [400, "bad-query", "cursor", /whole number/]],
  // the catalogue
  ["a group that is there", "POST /groups", { name: "eu", title: "x" }, [409, "conflict", "name", /./]],
  ["a group of capitals", "POST /groups", { name: "EU" }, [422, "bad-value", "name", /./]],
  ["a node that is there", "POST /nodes", () => node({ name: "web1" }), [409, "conflict", "name", /./]],
  ["a node of no group", "POST /nodes", () => node({ groups: [] }), [422, "bad-value", "groups", /./]],
  ["a node of an unknown group", "POST /nodes", () => node({ groups: ["mars"] }), [422, "bad-value", "groups", /mars/]],
  ["an unknown role", "POST /nodes", () => node({ roles: ["ftp"] }), [422, "bad-value", "roles", /web, mail, dns/]],
  ["a port out of range", "POST /nodes", () => node({ port: 70000 }), [422, "bad-value", "port", /between 1 and 65535, not 70000/]],
  ["a host key that is none", "POST /nodes", () => node({ host_key: "hello" }), [422, "bad-value", "host_key", /ssh-ed25519 AAAA/]],
  ["an unknown driver", "POST /nodes", () => node({ driver: "cpanel" }), [422, "bad-value", "driver", /cpanel/]],
  ["an address with blanks", "POST /nodes", () => node({ address: "a b" }), [422, "bad-value", "address", /./]],
  ["a login with an option in it", "POST /nodes", () => node({ user: "-oProxyCommand" }), [422, "bad-value", "user", /./]],
  ["a node in an unknown state", "PATCH /nodes/1", { state: "broken" }, [422, "bad-value", "state", /active, draining or paused/]],
  ["a node that nobody can set unreachable", "PATCH /nodes/1", { state: "unreachable" }, [422, "bad-value", "state", /./]],
  ["a capacity below zero", "PATCH /nodes/1", { capacity_max: -1 }, [422, "bad-value", "capacity_max", /./]],
  ["a node that is none", "PATCH /nodes/99", { state: "paused" }, [404, "not-found", undefined, /99/]],
  ["a product that is there", "POST /products", product({ name: "start" }), [409, "conflict", "name", /start/]],
  ["a product of nothing", "POST /products", { name: "empty", group: "eu" }, [422, "missing-field", undefined, /give web, mail or dns/]],
  ["a product of an unknown group", "POST /products", product({ group: "mars" }), [422, "bad-value", "group", /mars/]],
  ["an unknown limit", "POST /products", product({ web: { disk: 5 } }), [422, /unknown-field|bad-value/, "web.disk", /./]],
  ["a limit that is a text", "POST /products", product({ web: { disk_mb: "much" } }), [422, /wrong-type|bad-value/, "web.disk_mb", /./]],
  ["an unknown zone template", "POST /products", product({ dns: { template: "mine" } }), [422, "bad-value", "dns.template", /mine/]],
  ["a zone template with an error", "PUT /zone-templates/mine", { text: "@ A {nonsense}" }, [422, "bad-value", /./, /nonsense/]],
  ["a task that is none", "POST /tasks/99/retry", {}, [404, "not-found", undefined, /99/]],
];

world.test("each of them is refused with status, kind, field and a sentence, and nothing is changed", async () => {
  await world.status(1, "waiting"); // there is no mail node: nothing moves by itself
  const before = stored();
  const wrong = [];
  for (const [what, call, body, [status, kind, field, words], headers] of CASES) {
    const [method, path] = call.split(" ");
    const sent = typeof body === "function" ? body() : body;
    const answer = await world.api.request(method, `/api/v1${path}`, sent, headers);
    const problem = answer.json ?? {};
    const kindIs = problem.type?.replace("urn:berth:problem:", "");
    const fits = (value, wanted) => (wanted instanceof RegExp ? wanted.test(value ?? "") : value === wanted);
    const ok =
      answer.status === status &&
      problem.status === status &&
      fits(kindIs, kind) &&
      fits(problem.field, field) &&
      words.test(problem.detail ?? "") &&
      /\.$/.test(problem.detail ?? "") &&
      answer.headers.get("content-type").startsWith("application/problem+json");
    if (!ok) wrong.push(`${what}: ${answer.status} ${answer.text.trim()}\n    not ${status} ${kind} ${field} ${words}`);
    if (stored() !== before) wrong.push(`${what}: the database has changed`);
  }
  assert.deepEqual(wrong, []);
});

world.test("what a person writes in another way is the same domain", async () => {
  for (const [written, stands, shown] of [
    ["WWW.Example-One.TEST", /^example-one\.test$/, "example-one.test"],
    ["Bücher-qx.test.", /^xn--bcher-qx-\w+\.test$/, "bücher-qx.test"],
  ]) {
    const { id } = await world.order(written, { client: { id: "c-9", email: "a@b.test" } });
    const service = await world.api.service(id);
    assert.equal(service.domain_unicode, shown);
    assert.match(service.domain, stands);
  }
});

world.test("after all that it still takes a good order", async () => {
  const { id } = await world.order("good.test");
  assert.equal((await world.api.service(id)).domain, "good.test");
});
