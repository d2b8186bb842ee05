// half-created-sudo.test.mjs - as half-created.test.mjs, but Berth's login has sudo for the panel's commands only: what those can
// mend is mended; where only root can, the task ends in a named conflict that shows the commands, and once a person has run
// them and says so, it goes on.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { checkSame, orderAndKill, rounds } from "../lib/halfcreated.mjs";
import { serviceState } from "../lib/nodestate.mjs";
import { World } from "../lib/world.mjs";

/** Where root is needed, by the panel's own nature (the others are healed): cause, and the commands that must be shown. */
const NEEDS_ROOT = [
  [/^user-(a|b|r2)$/, "conflict.user-left-over", (user) => [`chattr -i /home/${user}/conf`, `userdel -f ${user}`, `rm -rf -- /home/${user}`]],
  [/^web-[a-g]$/, "conflict.left-over", (user, domain) => [`rm -rf -- /home/${user}/web/${domain}`]],
];

const world = new World("half-sudo", { user: "berth" });
let calm;
before(async () => {
  await world.open();
  calm = serviceState(world.lab, await world.deploy("qcalm.test"), world.installation);
});
after(() => world.close());

const rootNeeded = (point) => NEEDS_ROOT.find(([pattern]) => pattern.test(point));

/** The person: reads the commands off the task, runs them as root on its node, and retries. */
async function help(task, user, domain, expected) {
  const commands = expected(user, domain);
  assert.ok(task.reason.includes(commands.join("; ")), task.reason);
  for (const command of commands) world.lab.exec(task.node, `${command} || true`);
  await world.api.post(`/tasks/${task.id}/retry`);
}

rounds().forEach((kills, index) => {
  const stuck = kills.filter(({ point }) => rootNeeded(point));
  const what = stuck.length === 0 ? "healed" : `healed, or a conflict that names root's commands (${stuck.map(({ point }) => point)})`;
  world.test(`killed at ${kills.map(({ point }) => point).join(", ")}: ${what}`, async () => {
    const domain = `qheal${index}.test`;
    const service = await orderAndKill(world, domain, kills);
    assert.equal(service.status, stuck.length === 0 ? "live" : "failed", await world.describe(service.id));
    const failed = (await world.api.tasks(service.id)).filter((task) => task.state === "failed");
    assert.deepEqual(failed.map((task) => task.node).sort(), stuck.map(({ node }) => node).sort(), "what can be healed is healed");
    for (const task of failed) {
      const [, cause, commands] = rootNeeded(stuck.find(({ node }) => node === task.node).point);
      assert.equal(task.cause, cause);
      await help(task, domain.split(".")[0], domain, commands);
    }
    checkSame(world, await world.status(service.id), calm);
  });
});
