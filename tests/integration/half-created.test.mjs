// half-created.test.mjs - the panel's commands are killed at every point where they leave something half-made behind: as root the
// pipeline heals all of it, and the account ends as one that nobody disturbed. What somebody else has made is never touched.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { checkSame, orderAndKill, rounds, settled } from "../lib/halfcreated.mjs";
import { nodeState, serviceState } from "../lib/nodestate.mjs";
import { World } from "../lib/world.mjs";

const world = new World("half");
let calm;
before(async () => {
  await world.open();
  calm = serviceState(world.lab, await world.deploy("qcalm.test"), world.installation);
});
after(() => world.close());

rounds().forEach((kills, index) => {
  world.test(`killed at ${kills.map(({ point }) => point).join(", ")}: healed`, async () => {
    const service = await orderAndKill(world, `qheal${index}.test`, kills);
    assert.equal(service.status, "live", await world.describe(service.id));
    checkSame(world, service, calm);
  });
});

world.test("killed at three points of the same order, on each of its nodes, it is healed as well", async () => {
  for (const [node, points] of Object.entries({ web1: ["user-d", "web-c", "web-h"], mail1: ["user-e", "mail-c", "acct-b"], ns1: ["user-a", "rec-b"] })) {
    world.lab.do("panel", node, ...points.map((point) => `kill+=${point}:1`));
  }
  const { id } = await world.order("qthrice.test");
  const service = await settled(world, id);
  world.panel("kill=");
  assert.equal(service.status, "live", await world.describe(id));
  checkSame(world, service, calm);
});

// ---- what our own commands never leave behind, because the zone is written in another way; a person might have ----------

for (const point of ["dns-a", "dns-b", "dns-c", "dns-d"]) {
  world.test(`a zone of our user that a person's own command left at ${point}: healed`, async () => {
    const domain = `q${point.replace("-", "")}.test`;
    const user = domain.split(".")[0];
    world.lab.do("panel", "ns1", "hang=v-add-user:1:1");
    const { id } = await world.order(domain);
    await world.task(id, "dns.user@ns1", ["running"]);
    await world.setNode("ns1", { state: "paused" });
    await world.task(id, "dns.user@ns1", ["done"]);
    const { status } = world.lab.try("exec", "ns1", "env", `BERTH_PANEL_KILL=${point}`, "/usr/local/hestia/bin/v-add-dns-domain", user, domain, "192.0.2.1");
    assert.equal(status, 137);
    await world.setNode("ns1", { state: "active" });
    world.lab.do("panel", "ns1", "hang=");
    const service = await settled(world, id);
    assert.equal(service.status, "live", await world.describe(id));
    checkSame(world, service, calm);
  });
}

// ---- somebody else's ----------------------------------------------------------------------------------------------------

const panel = (node, ...words) => world.lab.do("exec", node, ...words.map((word, index) => (index === 0 ? `/usr/local/hestia/bin/${word}` : word)));

/** Order; the service must stop in this conflict, with nothing of the other one's changed; when that is gone it goes on. */
async function conflict({ domain, node, key, cause, make, remove, owner, says }) {
  make();
  const other = () => nodeState(world.lab, node, { user: owner, domain, packageName: "q-no-package-of-theirs" });
  const before = other();
  assert.ok(before.length > 40, "there is something to lose");
  const { id } = await world.order(domain);
  const stopped = await settled(world, id);
  assert.equal(stopped.status, "failed", await world.describe(id));
  const task = await world.api.task(id, key);
  assert.equal(task.cause, cause, task.reason);
  assert.equal(task.attempt_list.at(-1).outcome, "conflict");
  assert.match(stopped.reason, says);
  assert.match(stopped.reason, /then retry the task/);
  // our own user for this domain may have been made beside it; of theirs, nothing has changed
  const ours = new RegExp(`(^|[^a-z0-9])${domain.split(".")[0]}([^a-z0-9]|$)`);
  const theirs = (text) => text.split("\n").filter((line) => owner === domain.split(".")[0] || !ours.test(line));
  assert.deepEqual(theirs(other()), theirs(before));
  remove();
  await world.api.post(`/tasks/${task.id}/retry`);
  const service = await world.status(id);
  checkSame(world, service, calm);
}

world.test("a panel user of the same name is somebody else's", () =>
  conflict({
    domain: "qtheirs.test",
    node: "web1",
    key: "web.user",
    cause: "conflict.user",
    owner: "qtheirs",
    says: /belongs to somebody else/,
    make: () => panel("web1", "v-add-user", "qtheirs", "Passw0rdPassw0rd", "them@qother.test"),
    remove: () => panel("web1", "v-delete-user", "qtheirs"),
  }));

world.test("a system user made by hand, with files, is not taken for a left-over", () =>
  conflict({
    domain: "qsystem.test",
    node: "mail1",
    key: "mail.user",
    cause: "conflict.user",
    owner: "qsystem",
    says: /not as a user of the panel/,
    make: () => world.lab.exec("mail1", "useradd -m qsystem; echo precious >/home/qsystem/thesis.txt"),
    remove: () => world.lab.exec("mail1", "grep -q precious /home/qsystem/thesis.txt; userdel -f qsystem; rm -rf /home/qsystem"),
  }));

for (const [kind, node, key, cause, command] of [
  ["website", "web1", "web.domain", "conflict.domain", ["v-add-web-domain"]],
  ["mail domain", "mail1", "mail.domain", "conflict.domain", ["v-add-mail-domain"]],
  ["zone", "ns1", "dns.zone@ns1", "conflict.zone", ["v-add-dns-domain"]],
]) {
  const domain = `qowned${node}.test`;
  world.test(`a ${kind} of another panel user is not taken over`, () =>
    conflict({
      domain,
      node,
      key,
      cause,
      owner: "qneighbour",
      says: /qneighbour/,
      make: () => {
        panel(node, "v-add-user", "qneighbour", "Passw0rdPassw0rd", "them@qother.test");
        panel(node, command[0], "qneighbour", domain, ...(node === "ns1" ? ["192.0.2.7", "ns1.lab.test", "ns2.lab.test"] : []));
      },
      remove: () => panel(node, "v-delete-user", "qneighbour"),
    }));
}

world.test("files that somebody put where the website is to be made are not removed", async () => {
  world.lab.do("panel", "web1", "hang=v-add-user:1:1");
  const { id } = await world.order("qfiles.test");
  await world.task(id, "web.user", ["running"]);
  await world.setNode("web1", { state: "paused" });
  await world.task(id, "web.user", ["done"]);
  world.lab.do("panel", "web1", "hang=");
  world.lab.exec("web1", "mkdir -p /home/qfiles/web/qfiles.test/public_html; echo precious >/home/qfiles/web/qfiles.test/public_html/index.php");
  await world.setNode("web1", { state: "active" });
  const service = await settled(world, id);
  assert.equal(service.status, "failed");
  const task = await world.api.task(id, "web.domain");
  assert.equal(task.cause, "conflict.left-over", task.reason);
  assert.match(task.reason, /rm -rf -- \/home\/qfiles\/web\/qfiles\.test/);
  assert.equal(world.lab.exec("web1", "cat /home/qfiles/web/qfiles.test/public_html/index.php"), "precious\n");
});
