// claim.mjs - what a claim costs with a million tasks waiting, against ten; see bench_store.c.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { figure, run, say } from "./figures.mjs";

export async function claim(build) {
  const lines = await run(join(build, "tests/bench/bench_store"), [tmpdir()]);
  for (const { name, value, unit } of lines) say(`claim: ${name} ${value} ${unit}`);
  const growths = lines.filter((line) => line.name.startsWith("store.claim_growth")).map((line) => line.value);
  if (growths.length !== 3) throw new Error("bench_store did not print all growths");
  figure("claim.growth", Math.max(...growths), "ratio", { atMost: 1.5 });
}
