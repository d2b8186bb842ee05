// deploy.test.mjs - an order becomes a live hosting account: what a customer finds there, what a billing system may rely on.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask, dkimKey, openMailbox, serial, visit } from "../lib/customer.mjs";
import { serviceState } from "../lib/nodestate.mjs";
import { World } from "../lib/world.mjs";

const world = new World("deploy");
before(() => world.open());
after(() => world.close());

const address = (name) => world.lab.node(name).address;

/** Everything that the shipped zone template promises, and the same from each name server. */
function checkZone(domain, servers, { mail = true } = {}) {
  const web1 = address("web1");
  const mail1 = address("mail1");
  const expected = [
    [domain, "NS", ["ns1.lab.test.", "ns2.lab.test."]],
    [domain, "A", [web1]],
    [domain, "CAA", ['0 issue "letsencrypt.org"']],
    [`www.${domain}`, "CNAME", [`${domain}.`]],
    [`ftp.${domain}`, "CNAME", [`${domain}.`]],
    [`mail.${domain}`, "A", mail ? [mail1] : []],
    [`webmail.${domain}`, "CNAME", mail ? [`mail.${domain}.`] : []],
    [domain, "MX", mail ? ["10 mail1.lab.test."] : []],
    [domain, "TXT", mail ? [`v=spf1 a mx ip4:${mail1} -all`] : []],
    [`_dmarc.${domain}`, "TXT", mail ? ["v=DMARC1; p=quarantine; adkim=r; aspf=r"] : []],
  ];
  for (const server of servers) for (const [name, type, values] of expected) assert.deepEqual(ask(server, name, type), values, `${type} of ${name} at ${server}`);
  assert.equal(new Set(servers.map((server) => serial(server, domain))).size, 1, "one serial");
}

/** The key that the mail node signs with, its public half as DNS writes it. */
function signingKey(user, domain) {
  return world.lab
    .exec("mail1", `openssl rsa -in /home/${user}/conf/mail/${domain}/dkim.pem -pubout 2>/dev/null`)
    .replace(/-----[^-]+-----|\s/g, "");
}

async function checkWhole(service, nameServers = ["ns1", "ns2"]) {
  const { domain } = service;
  const servers = nameServers.map(address);
  const account = (role) => service.roles.find((each) => each.role === role).nodes[0].account;
  for (const name of [domain, `www.${domain}`]) {
    const page = await visit(address("web1"), name);
    assert.equal(page.status, 200);
    assert.match(page.text, new RegExp(`<title>${domain.replaceAll(".", "\\.")}</title>`));
  }
  checkZone(domain, servers);
  for (const server of servers) assert.equal(dkimKey(server, domain), signingKey(account("mail"), domain));
  await openMailbox(address("mail1"), `info@${domain}`, world.secret(service.id, "mailbox-password"));
}

world.test("one order becomes a website, a zone on both name servers and a mailbox", async () => {
  assert.doesNotMatch((await visit(address("web1"), "qfirst.test")).text, /qfirst/);
  assert.deepEqual(ask(address("ns1"), "qfirst.test", "SOA"), []);
  const answer = await world.api.request("POST", "/api/v1/services", world.orderBody("qfirst.test"));
  assert.equal(answer.status, 202);
  assert.equal(answer.json.status, "accepted");
  assert.match(answer.json.status_url, new RegExp(`/api/v1/services/${answer.json.id}$`));
  assert.match(answer.json.customer_url, /\/s\/[\w-]{50,}$/);
  const service = await world.status(answer.json.id);
  assert.equal(service.progress.percent, 100);
  assert.equal(service.progress.done, service.progress.total);
  assert.deepEqual(
    service.roles.map(({ role, nodes }) => [role, nodes.map((node) => node.name)]),
    [["web", ["web1"]], ["mail", ["mail1"]], ["dns", ["ns1", "ns2"]]],
  );
  assert.equal(service.ssl.state, "seeded");
  await checkWhole(service);
});

world.test("its timeline has every step once, and ends when it is live", async () => {
  const { services } = await world.api.get("/services?domain=qfirst.test");
  const events = await world.api.events(services[0].id);
  assert.deepEqual(events.map((event) => event.seq), events.map((_, index) => index + 1));
  const tasks = await world.api.tasks(services[0].id);
  assert.ok(tasks.every((task) => task.state === "done" && task.attempts === 1), await world.describe(services[0].id));
  const done = events.filter((event) => event.kind === "task.done").map((event) => event.data.key);
  assert.deepEqual([...done].sort(), tasks.map((task) => task.key).sort());
  assert.ok(events.findIndex((event) => event.kind === "service.live") > events.findIndex((event) => event.data.key === "verify.dns" && event.kind === "task.done"));
});

world.test("a wrong password does not open the mailbox", async () => {
  await assert.rejects(openMailbox(address("mail1"), "info@qfirst.test", "wrong-password"), /l NO/);
});

world.test("the same external id, or the same Idempotency-Key, again gives the same service", async () => {
  const first = await world.order("qsame.test", { external_id: "whmcs-17" }, { "idempotency-key": "k-17" });
  for (const [more, headers] of [
    [{ external_id: "whmcs-17" }, {}],
    [{}, { "idempotency-key": "k-17" }],
    [{ external_id: "whmcs-17" }, { "idempotency-key": "k-18" }],
  ]) {
    const again = await world.api.request("POST", "/api/v1/services", world.orderBody("qsame.test", more), headers);
    assert.equal(again.status, 200);
    assert.equal(again.json.id, first.id);
    assert.equal(again.json.existing, true);
  }
  await world.status(first.id);
  assert.equal((await world.api.get("/services?domain=qsame.test")).services.length, 1);
  assert.equal((await world.api.get(`/services/${first.id}/operations`)).operations.length, 1);
});

world.test("ten at once with one external id make one service", async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => world.order("qtwice.test", { external_id: "whmcs-18" })));
  assert.equal(new Set(answers.map((answer) => answer.id)).size, 1);
  assert.equal(answers.filter((answer) => !answer.existing).length, 1);
  await world.status(answers[0].id);
});

world.test("orders at the same time end as alike as if each had come alone", async () => {
  const domains = ["qpara.test", "qparb.test", "qparc.test", "qpard.test"];
  const orders = await Promise.all(domains.map((domain) => world.order(domain)));
  const services = [];
  for (const order of orders) services.push(await world.status(order.id));
  for (const service of services) await checkWhole(service);
  const alone = (await world.api.get("/services?domain=qfirst.test")).services[0];
  const expected = serviceState(world.lab, await world.api.service(alone.id), world.installation);
  for (const service of services) assert.equal(serviceState(world.lab, service, world.installation), expected);
});

world.test("a product without mail leaves the tasks and records of mail out", async () => {
  await world.addProduct("webonly", { web: {}, dns: {} });
  const service = await world.deploy("qnomail.test", { product: "webonly", options: {} });
  const tasks = await world.api.tasks(service.id);
  assert.deepEqual(tasks.filter((task) => /mail/.test(task.key)), []);
  assert.ok(tasks.some((task) => task.key === "verify.web") && tasks.some((task) => task.key === "dns.zone@ns2"));
  checkZone("qnomail.test", [address("ns1"), address("ns2")], { mail: false });
  assert.deepEqual(service.roles.map((each) => each.role), ["web", "dns"]);
  assert.doesNotMatch(world.lab.exec("mail1", "cat /etc/passwd"), /qnomail/);
});

world.test("an order without a mailbox has mail all the same", async () => {
  const service = await world.deploy("qnobox.test", { options: {} });
  assert.deepEqual((await world.api.tasks(service.id)).filter((task) => task.action === "mail.account"), []);
  checkZone("qnobox.test", [address("ns1"), address("ns2")]);
});

world.test("the same over an account that has sudo for the panel's commands only", async () => {
  await world.addGroup("sudo");
  for (const { name } of world.lab.status().nodes) await world.addNode(name, { name: `${name}-sudo`, groups: ["sudo"], user: "berth" });
  await world.addProduct("start-sudo", undefined, "sudo");
  const service = await world.deploy("qsudo.test", { product: "start-sudo" });
  assert.deepEqual(service.roles[0].nodes.map((node) => node.name), ["web1-sudo"]);
  await checkWhole(service);
  const test = await world.api.post(`/nodes/${(await world.node("web1-sudo")).id}/test`);
  assert.match(test.facts.version, /^1\.10\.3/);
  assert.match(test.facts.room, /^\d{2,} MB free on \/$/);
  assert.match(test.facts.load, /^[\d.]+ \/ [\d.]+ \/ [\d.]+$/);
  assert.equal(test.facts.clock, "right");
});
