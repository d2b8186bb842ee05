// backoff.mjs - how many of 1,000 tasks that failed at one moment come back together; see backoff_peak.c.

import { join } from "node:path";
import { figure, run } from "./figures.mjs";

export async function backoff(build) {
  const [{ name, value, unit }] = await run(join(build, "tests/bench/backoff_peak"), []);
  figure(name, value, unit, { atMost: 0.05 });
}
