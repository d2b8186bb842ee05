// disk.mjs - what a durable commit costs here, and how a disk that does not wait is made to.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, say } from "./figures.mjs";

/* A disk that needs less for a commit does not wait until the data lies safe but trusts a cache; there a commit runs at the speed of
 * memory, and a figure that is divided by it says how much work something is, not how often it waits. Both sides get the rest added. */
export const COMMIT_MS_LEAST = 0.5;

/** @return for the environment of both sides: each fsync takes so much longer */
export function slower(build, us) {
  return { LD_PRELOAD: join(build, "tests/bench/fsync_watch.so"), FSYNC_DELAY_US: String(Math.round(us)) };
}

/** What both sides run with, so that a durable commit takes what it takes on a disk that waits; {} where it does. */
export async function leastCommit(build, figure) {
  const directory = mkdtempSync(join(tmpdir(), "commit."));
  const [{ commit_p50_ms: commitMs }] = await run(join(build, "tests/bench/one_insert_per_fsync"), [join(directory, "db"), "1", "1"]);
  rmSync(directory, { recursive: true });
  say(`${figure}: one durable commit takes ${commitMs} ms on this disk${commitMs < COMMIT_MS_LEAST ? `; it is made to take ${COMMIT_MS_LEAST} ms` : ""}`);
  return commitMs >= COMMIT_MS_LEAST ? {} : slower(build, (COMMIT_MS_LEAST - commitMs) * 1000);
}
