// under_load.test.mjs - orders come without end while berthd is killed -9 every 200 ms and started again at once. Whoever orders does what
// a billing system does: an order that was not answered is sent again, with the same key. In the end each order is there exactly
// once, is live, and nothing was made twice on the nodes.
//
// 20 seconds, or a minute with BERTH_CRASH=full.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { World, until } from "../lib/world.mjs";

const KILL_EVERY_MS = 200;
const LOAD_MS = process.env.BERTH_CRASH === "full" ? 60000 : 20000;
const CLIENTS = 4;
const ORDER_EVERY_MS = 1000; // of each client: as many as the nodes have ready soon after
const WHOLE_EVERY = 4; // every so many orders has web and mail, too; the others are zones
const LIVE_MS = 120000;

const world = new World("crash-load", { nodes: "web1:web mail1:mail ns1:dns" });
before(async () => {
  await world.open();
  await world.addProduct("zone", { dns: {} });
  world.configure({ listen: new URL(world.daemon.base).host }); // the clients need not be told where it is now
});
after(() => world.close());

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Kill and start until the time is over. @return how often */
async function killOnAndOn(endMs) {
  const { base } = world.daemon;
  for (let kills = 0; ; kills++) {
    if (performance.now() > endMs) {
      await world.daemon.listening();
      return kills;
    }
    await pause(KILL_EVERY_MS);
    await world.daemon.kill();
    world.daemons.pop(); // hundreds that are gone need not be remembered
    world.daemon = world.spawn();
    world.daemon.base = base;
  }
}

/** One order, sent until it is answered. @return {domain, id, sent} */
async function orderSurely(number) {
  const domain = `ql${String(number).padStart(4, "0")}.test`;
  const isWhole = number % WHOLE_EVERY === 0;
  const body = world.orderBody(domain, { external_id: domain, ...(!isWhole && { product: "zone", options: {} }) });
  for (let sent = 1; ; sent++) {
    const answer = await world.api.request("POST", "/api/v1/services", body, { "idempotency-key": `key-${domain}` }).catch(() => null);
    if (answer && answer.status < 300) return { domain, id: answer.json.id, sent };
    assert.ok(answer === null || answer.status === 503, `${domain}: ${answer?.status} ${answer?.text}`);
    await pause(20);
  }
}

async function orderOnAndOn(endMs, numbers, orders) {
  while (performance.now() < endMs) {
    const next = pause(ORDER_EVERY_MS);
    orders.push(await orderSurely(numbers.next++));
    await next;
  }
}

world.test(`killed every ${KILL_EVERY_MS} ms for ${LOAD_MS / 1000} s under load: every order is there once and ends live`, async (t) => {
  const endMs = performance.now() + LOAD_MS;
  const numbers = { next: 1 };
  const orders = [];
  const clients = Promise.all(Array.from({ length: CLIENTS }, () => orderOnAndOn(endMs, numbers, orders)));
  const [kills] = await Promise.all([killOnAndOn(endMs), clients]);
  const again = orders.filter((order) => order.sent > 1).length;
  t.diagnostic(`${kills} kills, ${orders.length} orders, ${again} of them sent more than once`);
  assert.ok(kills >= LOAD_MS / KILL_EVERY_MS / 2, `${kills} kills`);
  assert.ok(orders.length >= CLIENTS && again > 0, "orders were answered, and some only after a kill");

  assert.equal(new Set(orders.map((order) => order.id)).size, orders.length);
  for (const { domain, id } of orders) {
    await world.status(id, "live", LIVE_MS);
    const { services } = await world.api.get(`/services?domain=${domain}`);
    assert.deepEqual(services.map((service) => service.id), [id], domain);
    assert.equal((await world.api.events(id)).filter((event) => event.kind === "service.live").length, 1);
  }
  await until("nothing is left to do", async () => {
    const queue = await world.api.get("/queue");
    return queue.queued + queue.running + queue.waiting === 0;
  });
});

world.test("nothing was made twice on the nodes", async () => {
  for (const { name } of world.lab.status().nodes) {
    const adds = world.panelLog(name).filter((line) => /v-add-user |v-add-web-domain |v-add-mail-domain |v-add-mail-account |v-insert-dns-domain /.test(line));
    const made = adds.map((line) => line.split(" ").slice(2, 5).join(" ").replace(/IP=.*/, "")); // command, user, what of it
    assert.ok(made.length > 0);
    assert.deepEqual(made.filter((each, index) => made.indexOf(each) !== index), [], `twice on ${name}`);
  }
});
