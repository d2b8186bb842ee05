// world.test.mjs - a real berthd asks a real recursive resolver, which sees one domain on the lab's name server, and another one only
// after somebody has delegated it. While nobody answers, berthd says so.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Resolver, freePort } from "../lib/resolver.mjs";
import { until, World } from "../lib/world.mjs";

const world = new World("world", { nodes: "web1:web ns1:dns" });
let resolver, server;

before(async () => {
  await world.open({ catalogue: false });
  await world.addGroup();
  for (const name of ["web1", "ns1"]) await world.addNode(name);
  await world.addProduct("site", { web: { disk_mb: 1000 }, dns: {} });
  await world.nodesUp();
  server = world.lab.node("ns1").address;
  resolver = new Resolver(join(world.directory, "resolver"), await freePort());
  await world.api.patch("/settings", { "world.resolvers": `127.0.0.1:${resolver.port}`, "world.first": "1 s", "world.cap": "2 s" });
});
after(async () => {
  await resolver?.stop();
  if (resolver) rmSync(resolver.directory, { recursive: true });
  await world.close();
});

const order = (domain) => world.deploy(domain, { product: "site", options: {} });

/** Until the world's view of a service is this. */
const seen = (id, wanted) =>
  until(`service ${id} is seen: ${wanted}`, async () => {
    const service = await world.api.service(id);
    return service.world?.seen === wanted && service;
  }, 30000);

world.test("a domain that is delegated to us is seen; that is told once, and nobody looks again", async () => {
  await resolver.start(["qseen.test"], server);
  const { id } = await order("qseen.test");
  const service = await seen(id, "yes");
  assert.deepEqual(service.world.found, service.world.expected);
  assert.equal(service.world.found.length, 1);
  assert.equal(service.world.reason, null);
  assert.equal(service.world.next_look_at, null);
  assert.ok(service.world.looked_at > service.live_at);
  assert.equal(service.ssl.state, "seeded");
  assert.equal(service.ssl.record, "A qseen.test");
  assert.deepEqual(service.ssl.found, [world.lab.node("web1").address]);
  const events = (await world.api.events(id)).filter((event) => event.kind === "service.seen");
  assert.deepEqual(events.map((event) => event.data), [{ name_servers: service.world.found, addresses: service.ssl.found }]);
});

world.test("one that is not is looked at again, until nobody can tell, and until it is", async () => {
  const { id } = await order("qlate.test");
  const service = await seen(id, "no");
  assert.deepEqual([service.world.found, service.ssl.found], [[], []]);
  assert.equal(service.ssl.state, "waiting-dns");
  assert.ok(service.ssl.next_look_at > service.ssl.looked_at);
  await resolver.stop();
  const { world: unknown } = await seen(id, "unknown");
  assert.match(unknown.reason, new RegExp(`^127\\.0\\.0\\.1 port ${resolver.port}: .*refused`));
  assert.match(world.log(), /event=world\.silent/);
  await resolver.start(["qseen.test", "qlate.test"], server);
  assert.equal((await seen(id, "yes")).ssl.state, "seeded");
});
