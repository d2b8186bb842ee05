// halfcreated.mjs - the half-created states of the panel: where its commands can be killed (the points of panel/panel.h), and
// orders during which that happens. Used as root and as a user with sudo.

import assert from "node:assert/strict";
import { serviceState } from "./nodestate.mjs";
import { DEPLOY_MS } from "./world.mjs";

/** Every point that a deployment's own commands pass, with the node where they do; user-* on nodes of all three kinds. */
export const POINTS = {
  web1: ["user-a", "user-r2", "user-g", "web-a", "web-b", "web-c", "web-d", "web-e", "web-f", "web-g", "web-h"],
  mail1: ["user-b", "user-d", "user-f", "mail-a", "mail-b", "mail-c", "mail-d", "mail-e", "mail-f", "mail-g", "acct-a", "acct-b", "acct-c"],
  ns1: ["user-c", "user-e", "rec-b"],
};

/** One order at a time takes one point of each node. */
export function rounds() {
  const count = Math.max(...Object.values(POINTS).map((points) => points.length));
  return Array.from({ length: count }, (_, round) =>
    Object.entries(POINTS).map(([node, points]) => ({ node, point: points[round] })).filter(({ point }) => point),
  );
}

/** Until it is live, or has stopped for good with nothing running any more. */
export async function settled(world, id) {
  const end = Date.now() + DEPLOY_MS;
  for (;;) {
    const service = await world.api.service(id);
    if (service.status === "live") return service;
    const tasks = await world.api.tasks(id);
    if (service.status === "failed" && !tasks.some((task) => ["queued", "running", "waiting"].includes(task.state))) return service;
    if (Date.now() > end) throw new Error(`service ${id} is ${service.status} for ever\n${await world.describe(id)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Order while the panel's commands are killed at these points, each once. Gives the service when it has settled. */
export async function orderAndKill(world, domain, kills) {
  for (const { node, point } of kills) world.lab.do("panel", node, `kill=${point}:1`);
  const { id } = await world.order(domain);
  const service = await settled(world, id);
  for (const { node, point } of kills) {
    assert.match(world.lab.do("panel", node), new RegExp(`^kill=${point}:0$`, "m"), `${point} on ${node} was passed\n${await world.describe(id)}`);
    world.lab.do("panel", node, "kill=");
  }
  return service;
}

export function checkSame(world, service, calm, what) {
  assert.equal(serviceState(world.lab, service, world.installation), calm, what);
}
