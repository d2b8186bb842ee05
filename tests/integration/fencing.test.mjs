// fencing.test.mjs - a berthd that was only stopped does not know that it is the former one: its lease has run out, another
// has taken over, and when it wakes nothing that it sends may run on a node, nor may it write another line.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon } from "../lib/daemon.mjs";
import { serviceState } from "../lib/nodestate.mjs";
import { World, build, until } from "../lib/world.mjs";

const LEASE_MS = 15000;
const world = new World("fencing");
before(() => world.open());
after(() => world.close());

const nodes = () => world.lab.status().nodes.map((node) => node.name);
const commands = () => Object.fromEntries(nodes().map((name) => [name, world.panelLog(name)]));
const fences = () => Object.fromEntries(nodes().map((name) => [name, world.lab.exec(name, `cat /root/.berth/${world.installation}/fence.a`)]));

world.test("a second berthd on the same directory waits while the first one lives", async () => {
  const second = world.spawn();
  await second.said(/event=store\.busy/);
  assert.ok(!second.lines.some((line) => /http\.listening/.test(line)));
  assert.deepEqual({ ...(await second.stop()), ms: 0 }, { code: 0, signal: null, ms: 0 });
});

world.test("stopped past its lease: the second one finishes; the first one, woken, runs nothing and ends with an error", async () => {
  const calm = serviceState(world.lab, await world.deploy("qcalm.test"), world.installation);
  world.panel("pace=fixed 700");
  const { id } = await world.order("qfence.test");
  await world.task(id, "web.user", ["running"]);
  const first = world.daemon;
  await first.freeze();
  const frozenAt = Date.now();

  const second = world.spawn();
  await second.said(/event=store\.busy/);
  await second.listening(LEASE_MS * 3);
  const waited = Date.now() - frozenAt;
  assert.ok(waited > LEASE_MS / 2, `it took over after ${waited} ms: before the lease could have run out`);
  world.daemon = second;
  assert.match(second.lines.find((line) => /store\.owned/.test(line)), /epoch=2 /);
  const service = await world.status(id);
  world.panel("pace=none");
  assert.equal(serviceState(world.lab, service, world.installation), calm);

  const [ranBefore, fencesBefore, eventsBefore] = [commands(), fences(), await world.api.events(id)];
  first.thaw();
  const end = await Promise.race([first.ended, new Promise((resolve) => setTimeout(() => resolve("it is still there"), 20000).unref())]);
  assert.equal(end.code, 1, JSON.stringify(end));
  assert.ok(first.lines.some((line) => /event=berthd\.failed .*another process/.test(line)), first.tail());
  assert.deepEqual(commands(), ranBefore);
  assert.deepEqual(fences(), fencesBefore);
  assert.deepEqual(await world.api.events(id), eventsBefore);

  // and the second one has not suffered from it
  await world.deploy("qafter.test");
});

world.test("woken in the middle of the other one's work, it runs nothing either", async () => {
  world.panel("pace=fixed 1000");
  const { id } = await world.order("qrace.test");
  await world.task(id, "mail.user", ["running"]);
  const first = world.daemon;
  await first.freeze();
  const second = world.spawn();
  await second.listening(LEASE_MS * 3);
  world.daemon = second;
  const taken = await until("the second one's own command", async () => (await world.api.tasks(id)).find((task) => task.state === "running"));
  assert.ok(taken);
  first.thaw();
  assert.equal((await first.ended).code, 1);
  const service = await world.status(id);
  world.panel("pace=none");
  for (const { name } of world.lab.status().nodes) {
    const adds = world.panelLog(name).filter((line) => /v-add-|v-insert-dns-domain/.test(line) && line.includes("'qrace'")).map((line) => line.split(" ")[2]);
    assert.equal(new Set(adds).size, adds.length, `on ${name} once: ${adds}`);
  }
  assert.equal(service.status, "live");
});

world.test("a database that was copied and run a second time: the node refuses what has an old number", async () => {
  // What no lease can see: two databases with one installation's name. The fence on the node is what is left.
  await world.daemon.stop();
  const copy = join(world.directory, "copy");
  mkdirSync(copy);
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(world.database + suffix)) copyFileSync(world.database + suffix, join(copy, `berth.db${suffix}`));
  await world.start();
  await world.nodesUp();
  await world.deploy("qnewer.test");
  const ran = commands();

  const config = join(copy, "berth.yaml");
  writeFileSync(config, readFileSync(world.config, "utf8").replace(/^database: .*$/m, `database: sqlite://${copy}/berth.db`));
  const stale = new Daemon(join(build, "src/daemon/berthd"), config, world.logFile);
  world.daemons.push(stale);
  await stale.listening();
  const { api } = world;
  const order = await fetch(`${stale.base}/api/v1/services`, {
    method: "POST",
    headers: { authorization: `Bearer ${api.token}`, "content-type": "application/json" },
    body: JSON.stringify(world.orderBody("qstale.test")),
  }).then((response) => response.json());
  assert.ok(order.id);
  await stale.said(/cause=node\.fenced/, 30000);
  await stale.kill();
  assert.deepEqual(commands(), ran);
});
