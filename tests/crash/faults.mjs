// faults.mjs - the faults of the crash matrix. Each is called while berthd stands still at a moment of a step, does its harm, lets
// go, waits until the harm has been felt (or the service is live without noticing), and puts everything right again. It gives
// whether it was felt.
//
// `lost` says that berthd was about to read the answer to a command: where the fault takes the connection, the answer goes with it.

import { spawnSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../lab/nodes.mjs";

async function kill(world) {
  await world.daemon.kill();
  await world.begin();
  return true;
}

async function cut(world, { node, lost, held }) {
  world.lab.do("cut", node);
  held.release(lost);
  return world.said(new RegExp(`event=node\\.down node=${node} `));
}

/** New connections are refused, the old one is gone. */
async function sshdStopped(world, { node, lost, held }) {
  await until("sshd is stopped", () => world.lab.try("sshd", node, "stop").status === 0); // adding a user restarts it just now
  world.lab.do("cut", node);
  held.release(lost);
  const felt = await world.felt(async () => /refused/.test((await world.node(node)).state_reason));
  world.lab.do("sshd", node, "start");
  return felt;
}

/** sshd stands still: the connection says nothing any more, and new ones are accepted and never greeted. */
async function tarpit(world, { node, lost, held }) {
  world.lab.exec(node, "pkill -STOP -x sshd"); // the node sees only its own processes
  held.release(lost);
  const felt = await world.said(new RegExp(`event=node\\.down node=${node} `));
  world.lab.exec(node, "pkill -CONT -x sshd");
  return felt;
}

/** Nothing of ours installs packages: nobody must notice. */
async function dpkgLock(world, { node, held }) {
  world.lab.do("fault", node, "dpkg-lock", "on");
  held.release();
  const felt = await world.said(/event=(node\.down|task\.retry|attempt\.)/);
  world.lab.do("fault", node, "dpkg-lock", "off");
  return felt;
}

/** The disk with Berth's own records on the node. */
async function stateDiskFull(world, { node, held }) {
  world.stateDisk(node, 0);
  held.release();
  const felt = await world.said(/event=(task\.retry|attempt\.\w+) /);
  world.stateDisk(node, STATE_DISK);
  return felt;
}

/** The node's disk: the panel's data, the homes, the logs. Dovecot does not get over a log that it cannot write, so who makes room on a
 * mail server starts it again. One that ends so in a mailbox leaves an empty lock there, which the next waits for for two minutes: that
 * is within what Berth waits for in the field, but these points hurry. */
async function nodeDiskFull(world, { node, held }) {
  await world.quiet(node);
  world.lab.do("fault", node, "diskfull", "on");
  await delay(ROOM_LASTS_MS); // a disk of this size cannot be filled as suddenly as this: see node.sh
  held.release();
  const felt = await world.said(/event=(task\.retry|attempt\.\w+) /);
  world.lab.do("fault", node, "diskfull", "off");
  if (world.lab.node(node).role === "mail") {
    world.lab.exec(node, "/usr/local/hestia/lab/service mail restart </dev/null >/dev/null 2>&1");
    world.lab.exec(node, "find /home -ignore_readdir_race -path '*/mail/*' -name '*.lock' -delete");
  }
  return felt;
}

/** The disk of berthd's own database. */
async function storeDiskFull(world, { held }) {
  world.storeDisk(0);
  held.release();
  const felt = await world.said(/event=store\.failed/);
  world.storeDisk(STORE_DISK);
  return felt;
}

export const FAULTS = {
  "kill -9": kill,
  "cut": cut,
  "sshd stopped": sshdStopped,
  "tarpit": tarpit,
  "dpkg lock": dpkgLock,
  "records' disk full": stateDiskFull,
  "panel's disk full": nodeDiskFull,
  "store's disk full": storeDiskFull,
};

/** After these a command may have failed on the node and have been run again, which is no doubling. */
export const MAY_REPEAT = new Set(["records' disk full", "panel's disk full"]);

/** Servers of the lab that have ended on a full disk stay away: the next point needs a new lab. */
export const SPOILS = new Set(["panel's disk full"]);

const ROOM_LASTS_MS = 1000; // how long the node trusts what it has measured, with 1 GB of room
export const SHRINKS_MAX = 20; // see smallDisk()
export const STORE_DISK = 64 << 20;
export const STATE_DISK = 16 << 20;

/** Mount a small file system, or change its size; 0: no byte more than what is in use. Writers may be at work, so that what was in use
 * can be too little already. */
export function smallDisk(directory, size, options = "remount,") {
  let run;
  for (let i = 0; i < SHRINKS_MAX && run?.status !== 0; i++) {
    const { blocks, bfree, bsize } = size === 0 ? statfsSync(directory) : {};
    run = spawnSync("mount", ["-t", "tmpfs", "-o", `${options}size=${size || (blocks - bfree) * bsize}`, "berth-crash", directory], { encoding: "utf8" });
  }
  if (run.status !== 0) throw new Error(`mount ${directory}: ${run.stderr}`);
}

/** Whatever a point that failed has left behind. */
export function putRight(world) {
  world.storeDisk(STORE_DISK);
  for (const { name } of world.lab.status().nodes) {
    world.lab.try("fault", name, "diskfull", "off");
    world.stateDisk(name, STATE_DISK);
    world.lab.try("fault", name, "dpkg-lock", "off");
    world.lab.try("exec", name, "pkill", "-CONT", "-x", "sshd");
    world.lab.try("exec", name, "sh", "-c", "test -e /run/sshd.pid || /usr/sbin/sshd");
  }
}
