// bench.mjs - every figure of docs/benchmarks.md. usage: node bench.mjs BUILD [FIGURES...], see dev/bench.

import { resolve } from "node:path";
import { accept } from "./accept.mjs";

const benches = { accept };

const [buildArgument, ...wanted] = process.argv.slice(2);
const build = resolve(buildArgument);
for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) await benches[name](build);
