// tickets.test.mjs - a node that refuses for good, a real berthd and a WHMCS stand-in: one ticket, a note for the second failure
// although berthd is killed while WHMCS takes it, 'recovered' at the end, and no secret anywhere.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { build, until, World } from "../lib/world.mjs";
import { Whmcs } from "../notify/servers.mjs";

const world = new World("tickets", { nodes: "web1:web" });
const whmcs = new Whmcs();
let id, task;

before(async () => {
  await whmcs.open();
  await world.open({ catalogue: false });
  await world.addGroup();
  await world.addNode("web1");
  await world.addProduct("site", { web: { disk_mb: 1000 } });
  await world.nodesUp();
  await world.api.patch("/settings", {
    "retry.attempts": 1,
    "notify.whmcs_url": `http://127.0.0.1:${whmcs.port}`,
    "notify.whmcs_identifier": whmcs.identifier,
    "notify.whmcs_secret": whmcs.secret,
    "ticket.channel": "whmcs",
    "ticket.department": 3,
    "ticket.enabled": true,
  });
});
after(async () => {
  await world.close();
  whmcs.close();
});

const messages = async () => (await world.api.get("/tickets")).tickets.map((ticket) => ticket.messages.map(({ kind, state }) => `${kind} ${state}`).join(", "));
const reads = (wanted, limitMs) => until(`the tickets are ${wanted}`, async () => (await messages()).join("; ") === wanted, limitMs);

world.test("a failure for good opens one ticket that says what to do", async () => {
  world.panel("fail=v-add-web-domain:15");
  ({ id } = await world.order("qticket.test", { product: "site", external_id: "501", options: {} }));
  task = await world.task(id, "web.domain", ["failed"]);
  await reads("open sent", 30000);
  assert.equal(whmcs.tickets.length, 1);
  const [ticket] = whmcs.tickets;
  assert.equal(ticket.deptid, "3");
  for (const part of ["qticket.test", "external id 501", "web.domain", "web1", "To do:", "Attempts:  1", `/api/v1/services/${id}`, "The last lines of its log:"])
    assert.ok(ticket.message.includes(part), `${part} is missing in\n${ticket.message}`);
  const [shown] = (await world.api.get(`/tickets?service_id=${id}&state=open`)).tickets;
  assert.equal(shown.remote_number, ticket.tid);
  assert.equal(shown.channel, "whmcs");
});

world.test("berthd is killed while WHMCS takes the note: there is one note", async () => {
  let times = 1;
  let taken;
  const arrived = new Promise((resolve) => (taken = resolve));
  whmcs.manners = (action) => {
    if (action !== "AddTicketNote" || times-- <= 0) return "";
    setTimeout(taken, 50);
    return "slow";
  };
  await world.api.post(`/tasks/${task.id}/retry`);
  await arrived;
  await world.daemon.kill();
  assert.equal(whmcs.tickets[0].notes.length, 1);
  await world.start();
  await reads("open sent, note sent", 60000);
  assert.match(whmcs.calls(), /AddTicketNote.*GetTicketNotes/); // it was looked for, not written again
  assert.equal(whmcs.tickets.length, 1);
  assert.equal(whmcs.tickets[0].notes.length, 1);
});

world.test("a service that recovers says so, and its ticket is closed", async () => {
  world.panel("fail=");
  await world.api.post(`/tasks/${task.id}/retry`);
  await world.status(id);
  await reads("open sent, note sent, recovered sent", 30000);
  assert.match(whmcs.tickets[0].notes[1], /Recovered: qticket\.test is live/);
  const run = spawnSync(`${build}/src/cli/berthctl`, ["--url", world.daemon.base, "--token", world.token, "ticket", "list"], { encoding: "utf8" });
  assert.match(run.stdout, /closed +whmcs +ABC-100 +recovered +sent/, run.stderr);
});

world.test("the secret of WHMCS is in no log, no answer, no ticket, and not in the clear on the disk", async () => {
  const shown = await world.api.get(`/tickets/${(await world.api.get("/tickets")).tickets[0].id}`);
  const places = {
    log: world.log(),
    answer: JSON.stringify(shown),
    settings: JSON.stringify(await world.api.get("/settings")),
    tickets: JSON.stringify(whmcs.tickets.map(({ message, notes }) => [message, notes])),
    database: readFileSync(world.database, "latin1"),
    journal: readFileSync(`${world.database}-wal`, "latin1"),
  };
  for (const [place, text] of Object.entries(places)) assert.ok(!text.includes(whmcs.secret), place);
});
