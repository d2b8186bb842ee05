// line.mjs - how old a line of a command's output is when it reaches whoever follows the log: from the moment at which a command on a
// node prints it to its arrival at a client of the stream. Nodes and client share one clock here.

import { BenchLab } from "./lab.mjs";
import { figure, median, quantile, say } from "./figures.mjs";
import { Stream } from "../lib/stream.mjs";

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

async function follow(lab, domain) {
  const { id } = await lab.order(domain);
  const task = await lab.task(id, "web.user", ["running"]);
  const ages = [];
  let text = "";
  const ended = new Promise((resolve) => {
    const stream = new Stream(
      lab.daemon.base,
      `/api/v1/attempts/${task.attempt_id}/stream`,
      ({ name, data, at }) => {
        if (name === "end") {
          stream.close();
          resolve();
        }
        if (name !== "log") return;
        text += JSON.parse(data).chunks.filter((chunk) => chunk.stream === "stdout").map((chunk) => chunk.text).join("");
        for (let end; (end = text.indexOf("\n")) >= 0; text = text.slice(end + 1)) {
          const printed = /^printed at (\d+)[.,](\d{3})(\d{3})$/.exec(text.slice(0, end));
          if (printed) ages.push(at - Number(`${printed[1]}${printed[2]}.${printed[3]}`));
        }
      },
      { authorization: `Bearer ${lab.token}` },
    );
  });
  await ended;
  await lab.status(id);
  return ages.slice(5); // those that were there before the stream was
}

export async function line() {
  const lab = new BenchLab();
  try {
    await lab.up();
    lab.stockKeys(SERVICES);
    lab.lab.exec("web1", CHATTY);
    const ages = [];
    for (let i = 0; i < SERVICES; i++) ages.push(...(await follow(lab, `line${i}.example`)));
    if (ages.length < SERVICES * (LINES - 10)) throw new Error(`${ages.length} lines came`);
    say(`line: ${ages.length} lines; from printing to arrival p50 ${median(ages).toFixed(1)} ms, p99 ${quantile(ages, 0.99).toFixed(1)} ms, most ${Math.max(...ages).toFixed(1)} ms`);
    figure("line.p95_ms", quantile(ages, 0.95), "ms", { atMost: 150 });
  } finally {
    await lab.close();
  }
}
