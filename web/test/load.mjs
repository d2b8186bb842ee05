// load.mjs - a module of web/src, as the build would make it, for tests that run in node.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

/** @param path below web/src, e.g. "customer/time.ts" */
export async function load(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${path}`, import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "silent",
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}
