// line.mjs - how old a line of a command's output is when it reaches whoever follows the log: from the moment at which a command on a
// node prints it to its arrival in the page of somebody who follows the log. Nodes and browser share one clock here.

import { BenchLab } from "./lab.mjs";
import { figure, median, quantile, say } from "./figures.mjs";
import { Browser } from "../browser/browser.mjs";

const SERVICES = 3;
const LINES = 300; // each, at random pauses: no line has a better or worse time than another

// In the place of the panel's command; says the time in microseconds, then does what it is asked to.
const CHATTY = `
cd /usr/local/hestia
mkdir -p real
ln -sf ../bin/berth-panel real/v-add-user
rm bin/v-add-user
cat >bin/v-add-user <<'END'
#!/bin/bash
for ((i = 0; i < ${LINES}; i++)); do
    printf 'printed at %s\\n' "$EPOCHREALTIME"
    sleep "0.0$((RANDOM % 60 + 20))"
done
exec /usr/local/hestia/real/v-add-user "$@"
END
chmod 755 bin/v-add-user`;

// In the page: every message of the attempt's stream with the moment at which the page's script has it, until the stream ends.
const listen = (attempt) =>
  new Promise((resolve, reject) => {
    const came = [];
    const source = new EventSource(`/api/v1/attempts/${attempt}/stream`);
    source.addEventListener("log", ({ data }) => came.push([performance.timeOrigin + performance.now(), data]));
    source.addEventListener("end", () => {
      source.close();
      resolve(came);
    });
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && reject(new Error("the stream was refused")));
  });

/** Milliseconds from printing to arrival, of each line that came whole. */
function ages(came) {
  const found = [];
  let text = "";
  for (const [at, data] of came) {
    text += JSON.parse(data).chunks.filter((chunk) => chunk.stream === "stdout").map((chunk) => chunk.text).join("");
    for (let end; (end = text.indexOf("\n")) >= 0; text = text.slice(end + 1)) {
      const printed = /^printed at (\d+)[.,](\d{3})(\d{3})$/.exec(text.slice(0, end));
      if (printed) found.push(at - Number(`${printed[1]}${printed[2]}.${printed[3]}`));
    }
  }
  return found;
}

/** A page of somebody who is logged in. */
async function logIn(lab, browser) {
  const who = { name: "reader", password: "a password for the bench" };
  await lab.api.post("/staff", { ...who, role: "viewer" });
  const page = await browser.page();
  await page.goto(`${lab.daemon.base}/admin/login`);
  const status = await page.evaluate(
    async (body) => (await fetch("/api/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).status,
    who,
  );
  if (status !== 200) throw new Error(`login: ${status}`);
  return page;
}

async function follow(lab, page, domain) {
  const { id } = await lab.order(domain);
  const task = await lab.task(id, "web.user", ["running"]);
  const came = await page.evaluate(listen, task.attempt_id);
  await lab.status(id);
  return ages(came).slice(5); // those that were there before the stream was
}

export async function line() {
  const lab = new BenchLab();
  const browser = new Browser();
  try {
    await lab.up();
    await browser.open();
    lab.stockKeys(SERVICES);
    lab.lab.exec("web1", CHATTY);
    const page = await logIn(lab, browser);
    const all = [];
    for (let i = 0; i < SERVICES; i++) all.push(...(await follow(lab, page, `line${i}.example`)));
    if (all.length < SERVICES * (LINES - 10)) throw new Error(`${all.length} lines came`);
    say(`line: ${all.length} lines; from printing to arrival p50 ${median(all).toFixed(1)} ms, p99 ${quantile(all, 0.99).toFixed(1)} ms, most ${Math.max(...all).toFixed(1)} ms`);
    figure("line.p95_ms", quantile(all, 0.95), "ms", { atMost: 150 });
  } finally {
    await browser.close();
    await lab.close();
  }
}
