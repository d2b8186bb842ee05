// bench.mjs - every figure of docs/benchmarks.md. usage: node bench.mjs BUILD [FIGURES...], see dev/bench.

import { resolve } from "node:path";

const [buildArgument, ...wanted] = process.argv.slice(2);
const build = resolve(buildArgument);
process.env.BERTH_BUILD = build; // where tests/lib looks for programs

const benches = ["accept", "pickup", "deploy", "memory", "claim", "rescue", "outage", "line", "watchers", "page", "backoff", "simulate"];

for (const name of wanted.length > 0 ? wanted : benches) await (await import(`./${name}.mjs`))[name](build);
