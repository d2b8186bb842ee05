// simulate.mjs - ten thousand simulated companies live and are checked on all processors: how long it takes, and what was wrong.

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { figure, run, say } from "./figures.mjs";

const SEEDS = 10_000;

export async function simulate(build) {
  const jobs = availableParallelism();
  const args = ["--count", `${SEEDS}`, "--jobs", `${jobs}`];
  const [sum] = await run(join(build, "tests/sim/berth-sim"), args, {}, [0, 1]); // 1: there were violations
  say(`simulate: ${sum.seeds} seeds in ${sum.seconds} s on ${jobs} processors, ${sum.virtual_hours} hours of companies,`);
  say(`simulate: ${sum.kills} kills, ${sum.take_overs} take-overs, ${sum.store_failures} failures of the store`);
  figure("sim.seeds", sum.seeds, "seeds", { atLeast: SEEDS });
  figure("sim.violations", sum.violations, "violations", { atMost: 0 });
}
