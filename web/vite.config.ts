// One build for the customer's page, one for the staff's: a customer loads nothing that only staff need. berthd serves what comes out
// from memory, under /assets/customer/ and /assets/admin/; every file but the entry page has its content's hash in its name.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

const out = process.env.BERTH_WEB_OUT ?? "../build/web";

/** Of the customer's words the page needs its own furniture: the rest comes as text from berthd. */
const pageWords: Plugin = {
  name: "page-words",
  enforce: "pre",
  transform(code, id) {
    if (!/\/messages\/\w+\/customer\.json$/.test(id)) return null;
    return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(code)).filter(([key]) => key.startsWith("page."))));
  },
};

export default defineConfig(({ mode }) => ({
  base: `/assets/${mode}/`,
  plugins: [svelte(), pageWords],
  publicDir: false,
  // for `npx vite --mode admin`: a berthd that runs answers the rest
  server: { proxy: { "/api": process.env.BERTH_URL ?? "http://127.0.0.1:8080", "/s": process.env.BERTH_URL ?? "http://127.0.0.1:8080" } },
  build: {
    outDir: `${out}/${mode}`,
    emptyOutDir: true,
    assetsDir: "",
    target: "es2022",
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: true,
    assetsInlineLimit: 0, // no data: addresses: the policy of the pages allows none for scripts
    rollupOptions: { input: mode === "customer" ? "src/customer/main.ts" : "admin.html" },
  },
}));
