// service.test.mjs - what staff see of a service while it is made, goes wrong and is repaired, in a browser against berthd and the lab.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before } from "node:test";
import { World, until } from "../lib/world.mjs";
import { Browser } from "./browser.mjs";

const world = new World("browser-service");
const browser = new Browser();
const PASSWORD = "a password for the tests";
const LONG = { timeout: 90000 };
const LINES = 100_000;
let page;

before(async () => {
  await world.open();
  world.configure({ listen: new URL(world.daemon.base).host }); // a berthd that comes back is found where it was
  await browser.open();
  await world.api.post("/staff", { name: "ada", role: "owner", password: PASSWORD });
  page = await browser.page({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${world.daemon.base}/admin/login`);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
});
after(async () => {
  await browser.close();
  await world.close();
});

async function visit(path) {
  await page.goto(`${world.daemon.base}/admin${path}`);
  await page.locator("h1").waitFor();
  await page.evaluate(() => (globalThis.mark = "the same window"));
}

const sameWindow = async () => assert.equal(await page.evaluate(() => globalThis.mark), "the same window", "the page was loaded again");
const bar = (key) => page.locator(`[data-task="${key}"] .gantt-bar`);
const badge = (state) => page.locator(`.page-head [data-state="${state}"]`);
const widthOf = async (locator) => (await locator.boundingBox())?.width ?? 0;

world.test("a deployment is watched: bars grow in lanes, the list follows, the state flips to live", async () => {
  world.panel("pace=fixed 1500");
  const { id } = await world.order("watched.test");
  await visit(`/services/${id}/deploy`);
  await bar("web.user").locator(".of-running").waitFor(LONG);
  const before = await page.evaluate(() => [...document.querySelectorAll(".lane-name")].map((lane) => lane.textContent.trim()));
  assert.deepEqual([...before].sort().slice(1), ["mail1", "ns1", "ns2", "web1"]);
  assert.ok((await page.locator(".gantt-bar.planned").count()) > 0, "what is to come is shown as expected");
  await page.locator(".step", { hasText: "web.user" }).getByText("Running").waitFor();
  await browser.show(page, "service-deploying");
  world.panel("pace=none");
  await badge("live").waitFor(LONG);
  await sameWindow();
  assert.equal(await page.locator(".gantt-bar.planned").count(), 0);
  assert.equal(await page.locator(".step").filter({ hasText: "Done" }).count(), await page.locator(".step").count());
  assert.ok((await page.locator(".gantt-bar.critical").count()) > 2, "the critical path is marked");
  const named = await page.locator('[data-task="live"]').getAttribute("aria-label");
  assert.match(named, /^Hand over: Done, started after .*, Critical path/);
  await page.locator('[data-task="web.user"]').first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByText("web.user").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await browser.show(page, "service-deployed");
  for (const tab of ["tasks", "events", "settings", ""]) {
    await visit(`/services/${id}/${tab}`);
    await page.locator(".card").first().waitFor();
    await page.waitForLoadState("load");
    await browser.show(page, `service-${tab || "overview"}`);
  }
});

world.test("a running bar grows while one looks at it", async () => {
  world.lab.do("panel", "web1", "pace=fixed 4000");
  const { id } = await world.order("grows.test");
  await visit(`/services/${id}/deploy`);
  const running = page.locator('[data-task="web.package"] .of-running');
  await running.waitFor(LONG);
  const first = Number(/took ([\d.]+) (m?s)/.exec(await page.locator('[data-task="web.package"]').getAttribute("aria-label"))?.[1]);
  const wide = await widthOf(bar("web.package"));
  await until("the bar is wider, or says that it took longer", async () => {
    const now = Number(/took ([\d.]+) (m?s)/.exec(await page.locator('[data-task="web.package"]').getAttribute("aria-label"))?.[1]);
    return (await widthOf(bar("web.package"))) > wide || now !== first;
  });
  world.lab.do("panel", "web1", "pace=none");
  await badge("live").waitFor(LONG);
});

world.test("a node that fails is said with reason and next look; when it works again, so does the service", async () => {
  await world.api.patch("/settings", { "retry.attempts": 10, "retry.first": "20 s" });
  world.lab.do("panel", "mail1", "fail=v-add-mail-domain:3");
  const { id } = await world.order("broken.test");
  await visit(`/services/${id}/deploy`);
  const trouble = page.locator(".trouble", { hasText: "Mail domain" });
  await trouble.getByText("Waiting").waitFor(LONG);
  await trouble.getByText(/next look in \d+/).waitFor();
  await page.locator(".bar-waits", { hasText: "next look in" }).waitFor();
  await browser.show(page, "service-trouble");
  world.lab.do("panel", "mail1", "fail=");
  await trouble.getByRole("button", { name: "Retry" }).click();
  await badge("live").waitFor(LONG);
  assert.equal(await page.locator(".trouble").count(), 0);
  await sameWindow();
  const task = await world.api.task(id, "mail.domain");
  assert.ok(task.attempt_list.length >= 2);
  await visit(`/services/${id}/tasks/${task.id}`);
  await page.getByRole("tab").first().waitFor();
  assert.equal(await page.getByRole("tab").count(), task.attempt_list.length, "every attempt has its tab");
  await page.getByRole("tab").first().click();
  await page.locator(".log-line", { hasText: "v-add-mail-domain" }).first().waitFor();
  await page.getByRole("tab").first().press("ArrowRight");
  await page.locator('[role="tab"][aria-selected="true"]:focus', { hasText: "Attempt 2" }).waitFor();
  await page.locator(".log-line", { hasText: "v-add-mail-domain" }).first().waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.locator('[role="tab"][aria-selected="true"]:focus', { hasText: "Attempt 1" }).waitFor();

  await visit(`/services/${id}/tasks`);
  const row = page.locator('tr:has([data-task="mail.domain"])');
  await row.waitFor(LONG);
  const [action, node, state, attempts, started, took] = await row.locator("td").allInnerTexts();
  assert.match(action, /^Mail domain\s+mail\.domain$/);
  assert.deepEqual([node, state.trim(), attempts], ["mail1", "Done", String(task.attempt_list.length)]);
  assert.match(started, /^\d+:\d\d:\d\d/);
  assert.match(took, /^[\d.]+ m?s/);
  await visit(`/services/${id}/events`);
  const count = async () => Number(/^([\d,]+) events?$/.exec(await page.locator(".count-line").innerText())?.[1]);
  const events = await world.api.events(id);
  await until("every event is shown", async () => (await count()) === events.length);
  await page.getByLabel("Kind").selectOption("trouble");
  assert.ok((await count()) > 0 && (await count()) < events.length, "only what was trouble");
  await page.locator(".event", { hasText: "Mail domain" }).first().waitFor();
  await page.getByLabel("Kind").selectOption("");
  await page.getByLabel("Search").fill("no such words");
  await page.getByText("No events here.").waitFor();
  await world.api.patch("/settings", { "retry.attempts": null, "retry.first": null });
});

world.test("the log of a running command is followed in its window, without a gap, also over a restart of berthd", async () => {
  world.lab.do("panel", "web1", "pace=fixed 6000");
  const { id } = await world.order("logged.test");
  await visit(`/services/${id}/tasks`);
  await page.locator('tr:has([data-task="web.user"]) [data-state="running"]').waitFor(LONG);
  await page.locator('a[data-task="web.user"]').click();
  const dialog = page.getByRole("dialog");
  await dialog.locator(".log-line", { hasText: "v-add-user" }).first().waitFor(LONG);
  assert.equal(await dialog.locator(".log-state").getAttribute("data-state"), "live");
  assert.match(page.url(), /\/tasks\/\d+$/);
  await world.daemon.kill();
  await dialog.locator('.log-state[data-state="lost"]').waitFor(LONG);
  await world.start();
  await dialog.locator('.log-state[data-state="ended"]').waitFor(LONG);
  const task = await world.api.task(id, "web.user");
  const log = await world.api.log(task.attempt_id);
  const want = (log.berth + log.stdout + log.stderr).split("\n").filter((line) => line !== "").length;
  await until("every line is there once", async () => (await dialog.locator(".log-foot span").first().innerText()) === `${want} lines`);
  assert.equal(await dialog.locator(".log-line", { hasText: "done:" }).count(), 1);
  await sameWindow();
  await browser.show(page, "service-log");
  world.lab.do("panel", "web1", "pace=none");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.match(page.url(), /\/tasks$/);
  await world.status(id);
  page.complaints.length = 0; // the restart was heard
});

world.test("of a log only some streams are shown, while it is written and after, under the numbers of the whole log", async () => {
  const command = "/usr/local/hestia/bin/v-add-user";
  const loud = `#!/bin/bash
for i in {1..80}; do echo "step $i of many"; done
echo "warning 0: look here" >&2
for i in {1..600}; do [ -e /tmp/go-on ] && break; sleep 0.05; done
for i in {1..80}; do echo "warning $i: look there" >&2; echo "more $i"; sleep 0.005; done
exec ${command.replace("v-add-user", "berth-panel")} v-add-user "$@"
`;
  world.lab.exec("web1", `rm -f /tmp/go-on; mv ${command} ${command}.quiet; cat >${command}; chmod 755 ${command}`, loud);
  const { id } = await world.order("streams.test");
  await visit(`/services/${id}/tasks`);
  await page.locator('tr:has([data-task="web.user"]) [data-state="running"]').waitFor(LONG);
  await page.locator('a[data-task="web.user"]').click();
  const dialog = page.getByRole("dialog");
  const streams = dialog.getByRole("group", { name: "Lines shown" });
  const button = (name) => streams.getByRole("button", { name: new RegExp(`^${name} `) });
  const pressed = async () => (await streams.locator('[aria-pressed="true"]').allInnerTexts()).map((text) => text.split(/\s/)[0]);
  const lines = () => dialog.locator(".log-line").evaluateAll((all) => all.map((each) => [Number(each.querySelector("a").dataset.line), each.querySelector(".log-stream").dataset.stream, each.querySelector(".log-text").textContent]));
  const foot = () => dialog.locator(".log-lines").innerText();
  const follows = () => dialog.locator(".log-view").evaluate((view) => view.scrollTop + view.clientHeight >= view.scrollHeight - 4);
  await dialog.locator(".log-line.of-stderr", { hasText: "warning 0" }).waitFor(LONG);
  assert.deepEqual(await pressed(), ["All"]);
  const before = (await lines()).find(([, , text]) => text.startsWith("warning 0"))[0];
  assert.ok(before > 80);

  // only stderr, by the keyboard
  await button("stderr").focus();
  await page.keyboard.press("Enter");
  await until("one line is shown", async () => (await foot()) === `1 of ${before} lines`);
  assert.deepEqual(await pressed(), ["stderr"]);
  assert.deepEqual(await lines(), [[before, "stderr", "warning 0: look here"]]);
  await streams.getByRole("button", { name: "stderr 1 line", exact: true }).waitFor();
  await dialog.getByLabel("Search the log").fill("step");
  await dialog.getByText("No match shown").waitFor();
  await dialog.getByLabel("Search the log").fill("look");
  await dialog.getByText("1 of 1 shown").waitFor();

  // what comes under the filter is shown, counted and followed
  assert.equal(await dialog.locator(".log-state").getAttribute("data-state"), "live");
  await dialog.locator(".log-view").evaluate((view) => view.focus());
  await page.keyboard.press("End");
  await page.evaluate(() => (location.hash = "#L100000")); // a line that never comes holds nobody back
  await dialog.getByText("Line 100000").waitFor();
  world.lab.exec("web1", "touch /tmp/go-on");
  await dialog.locator(".log-line", { hasText: "warning 80: look there" }).waitFor(LONG);
  assert.ok(await follows(), "the end is followed");
  await dialog.locator('.log-state[data-state="ended"]').waitFor(LONG);
  const all = Number(/^81 of (\d+) lines$/.exec(await foot())?.[1]);
  assert.ok(all > before + 160, await foot());
  assert.ok((await lines()).every(([, stream]) => stream === "stderr"));
  await dialog.getByText(/^\d+ of 81 shown$/).waitFor();
  await browser.show(page, "service-log-stderr");

  // what is shown is copied; the whole is downloaded
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await dialog.getByRole("button", { name: "Copy shown" }).click();
  await until("it is copied", async () => (await page.evaluate(() => navigator.clipboard.readText())).split("\n").length === 82);
  const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download all" }).click()]);
  assert.equal(readFileSync(await download.path(), "utf8").split("\n").length, all + 1);

  // a line that was chosen stays in sight among all others
  await dialog.getByLabel("Search the log").fill("warning 40:");
  const middle = (await lines()).find(([, , text]) => text.startsWith("warning 40:"))[0];
  await dialog.locator(`a[data-line="${middle}"]`).click();
  await dialog.locator(".log-line.chosen", { hasText: "warning 40:" }).waitFor();
  const place = async () => (await dialog.locator(".log-line.chosen").boundingBox()).y;
  const stood = await place();
  await button("All").click();
  await until("all are shown", async () => (await foot()) === `${all} lines`);
  await dialog.locator(`a[data-line="${middle - 1}"]`).waitFor();
  assert.equal(await place(), stood);
  await dialog.getByText("1 of 1", { exact: true }).waitFor();
  await dialog.getByLabel("Search the log").fill("");

  // a look at something else does not lose the place
  await button("berth").click();
  await until("the command is shown", async () => (await lines()).every(([, stream]) => stream === "berth"));
  await button("stderr").click();
  assert.deepEqual(await pressed(), ["berth", "stderr"]);
  await button("stdout").click();
  assert.deepEqual(await pressed(), ["All"], "all three are all");
  await until("all are shown", async () => (await foot()) === `${all} lines`);
  assert.equal(await place(), stood);

  // a link to what is hidden shows everything again, and says so
  await button("stderr").click();
  await page.evaluate(() => (location.hash = "#L3"));
  await page.getByText("All lines are shown again").waitFor();
  assert.deepEqual(await pressed(), ["All"]);
  await dialog.locator('.log-line.chosen a[data-line="3"]').waitFor();
  await button("stderr").click();
  await dialog.locator(".log-line.chosen").waitFor({ state: "detached" });
  await page.evaluate(() => location.assign(location.href));
  await dialog.locator('.log-line.chosen a[data-line="3"]').waitFor();
  assert.deepEqual(await pressed(), ["All"], "also to what the address says already");
  await sameWindow();

  // the next log is shown whole
  await button("stderr").click();
  await page.reload();
  await dialog.locator(".log-line.chosen").waitFor();
  assert.deepEqual(await pressed(), ["All"]);
  world.lab.exec("web1", `mv ${command}.quiet ${command}`);
  await world.status(id);
});

world.test("redeploy wants the name typed, says what it does, and is watched to its end", async () => {
  const { id } = await world.deploy("again.test");
  await visit(`/services/${id}/deploy`);
  await page.getByRole("button", { name: "Redeploy" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("hard reset").waitFor();
  const button = dialog.getByRole("button", { name: "Redeploy" });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await dialog.getByLabel("Type again.test to confirm").fill("again.tes");
  await button.click({ force: true });
  assert.equal((await world.api.get(`/services/${id}/operations`)).operations.length, 1, "nothing is done for half a name");
  await dialog.getByLabel("Type again.test to confirm").fill("again.test");
  await button.click();
  await page.locator(".progress-what", { hasText: "Redeploy" }).waitFor(LONG);
  await badge("live").waitFor(LONG);
  await page.locator('.progress-head [data-state="done"]').waitFor(LONG);
  await page.getByLabel("Operation").selectOption({ index: 1 });
  await page.locator(".progress-what", { hasText: "Deploy" }).waitFor();
  assert.match(page.url(), /\?operation=\d+$/);
});

world.test("a plan answers on the page, and changes nothing", async () => {
  const { id } = await world.deploy("planned.test");
  await visit(`/services/${id}/deploy`);
  await page.getByRole("button", { name: "Plan" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Plan" }).click();
  await page.getByText("Nothing would change").waitFor(LONG);
});

world.test("a suspended service says so, to staff and to its customer", async () => {
  const { id, customer_url } = await world.order("suspended.test");
  await world.status(id);
  const customer = await browser.page();
  await customer.goto(world.daemon.base + new URL(customer_url).pathname);
  await customer.getByRole("heading", { name: "suspended.test is ready" }).waitFor();
  await world.daemon.stop(); // no operation suspends yet, so the state is put where one would put it
  const script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('UPDATE service SET status = 5 WHERE id = ?', sys.argv[2:]); db.commit()";
  execFileSync("python3", ["-c", script, world.database, id]);
  await world.start();
  assert.equal((await world.api.get(`/services/${id}`)).status, "suspended");
  await customer.getByRole("heading", { name: "suspended.test is suspended" }).waitFor(LONG);
  await customer.context().close();
  await visit(`/services/${id}`);
  await badge("suspended").waitFor();
  await browser.show(page, "service-suspended");
});

world.test(`a log of ${LINES} lines is quick: to arrive, to scroll, to search; its lines have addresses`, async (t) => {
  const { id } = await world.deploy("long.test");
  const task = await world.api.task(id, "web.domain");
  const parts = [];
  let offset = 0;
  for (let line = 1; line <= LINES; ) {
    let text = "";
    for (let i = 0; i < 1000; i++, line++) text += `line ${line} of what a command says${line % 10 === 0 ? ", and says ".repeat(4) : ""}\n`;
    const next = offset + text.length;
    parts.push(`event: log\nid: ${next}\ndata: ${JSON.stringify({ offset, chunks: [{ offset, at: "2026-01-02T03:04:05.678Z", stream: ((line - 1) / 1000) % 7 === 0 ? "stderr" : "stdout", text }], next_offset: next })}\n\n`);
    offset = next;
  }
  const body = `${parts.join("")}event: end\ndata: {"outcome":"done"}\n\n`;
  await page.route(/\/attempts\/\d+\/stream/, (route) => route.fulfill({ contentType: "text/event-stream", body }));
  const began = Date.now();
  await page.goto(`${world.daemon.base}/admin/services/${id}/tasks/${task.id}#L50000-L50002`);
  await page.locator('.log-state[data-state="ended"]').waitFor(LONG);
  await page.locator(".log-line.chosen").first().waitFor();
  t.diagnostic(`${LINES} lines shown after ${Date.now() - began} ms, with the page`);
  assert.deepEqual(await page.locator(".log-line.chosen .log-text").allInnerTexts(), [50000, 50001, 50002].map((line) => `line ${line} of what a command says${line % 10 === 0 ? ", and says ".repeat(4) : ""}`));
  assert.ok((await page.locator(".log-line").count()) < 250, "only what can be seen is drawn");
  await page.getByRole("button", { name: "Copy lines" }).click();
  await page.getByText("The lines were copied.").waitFor();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^line 50000 [^\n]*\nline 50001 [^\n]*\nline 50002 [^\n]*\n$/);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download" }).click()]);
  const saved = readFileSync(await download.path(), "utf8").split("\n");
  assert.equal(saved.length, LINES + 1);
  assert.match(saved[6500], /^2026-01-02T03:04:05\.678Z stderr line 6501 /);
  assert.match(saved[7500], /^2026-01-02T03:04:05\.678Z stdout line 7501 /);
  const frames = await page.evaluate(async () => {
    const view = document.querySelector(".log-view");
    const took = [];
    for (let i = 0; i < 100; i++) {
      view.scrollTop = (view.scrollHeight / 100) * i;
      const from = performance.now();
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      took.push(performance.now() - from);
    }
    return took.sort((a, b) => a - b);
  });
  t.diagnostic(`a jump takes ${frames[50].toFixed(0)} ms (p95 ${frames[95].toFixed(0)} ms)`);
  assert.ok(frames[50] < 150, `a jump takes ${frames[50]} ms`);
  const choosing = Date.now();
  await page.getByRole("button", { name: /^stderr / }).click();
  await page.getByText("14,000 of 100,000 lines").waitFor();
  t.diagnostic(`14000 lines of them are shown alone after ${Date.now() - choosing} ms`);
  assert.ok((await page.locator(".log-line").evaluateAll((all) => all.map((each) => each.className))).every((name) => name.includes("of-stderr")));
  await page.getByLabel("Search the log").fill("line 76");
  await page.getByText("1 of 999 shown").waitFor();
  await page.getByRole("button", { name: /^All / }).click();
  await page.getByLabel("Search the log").fill("line 77777 ");
  await page.getByText("1 of 1").waitFor();
  await page.locator("mark.current").waitFor();
  const timed = page.locator(".log-sheet.with-times");
  await timed.waitFor();
  await page.getByRole("button", { name: "Times" }).click();
  await timed.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Times" }).click();
  for (const [number, stream] of [[6500, "stderr"], [7500, "stdout"]]) {
    await page.getByLabel("Search the log").fill(`line ${number} `);
    const line = page.locator(`.log-line:has(mark.current).of-${stream}`);
    await line.waitFor();
    assert.deepEqual(await line.evaluate((element) => [element.querySelector(".log-number").dataset.line, element.querySelector(".log-stream").dataset.stream]), [String(number), stream]);
    assert.match(await line.locator(".log-time").getAttribute("data-clock"), /^\d\d:04:05\.678/);
  }
  await page.getByRole("button", { name: "Jump to the end" }).click();
  await page.locator(".log-line", { hasText: `line ${LINES} ` }).waitFor();
  await page.getByRole("button", { name: "Wrap" }).click();
  await page.locator(".log-line", { hasText: `line ${LINES} ` }).waitFor();
  await page.locator(`a[data-line="${LINES}"]`).click();
  assert.match(page.url(), new RegExp(`attempt=\\d+#L${LINES}$`));
  await page.unroute(/\/attempts\/\d+\/stream/);
});

world.test("a log is followed to its end, until somebody scrolls up; a button follows again", async () => {
  const { id } = await world.deploy("follow.test");
  const task = await world.api.task(id, "web.domain");
  let offset = 0;
  let line = 0;
  const piece = () => {
    let text = "";
    for (let i = 0; i < 300; i++) text += `line ${++line}\n`;
    const at = offset;
    offset += text.length;
    return `event: log\nid: ${offset}\ndata: ${JSON.stringify({ offset: at, chunks: [{ offset: at, at: "2026-01-02T03:04:05.678Z", stream: "stdout", text }], next_offset: offset })}\n\n`;
  };
  // each stream brings a piece and breaks off: the next one is asked for from there, and comes when the test lets it
  let more;
  const held = [piece()];
  const asked = [];
  await page.route(/\/attempts\/\d+\/stream/, async (route) => {
    asked.push(Number(new URL(route.request().url()).searchParams.get("offset")));
    while (held.length === 0) await new Promise((resolve) => (more = resolve));
    await route.fulfill({ contentType: "text/event-stream", body: held.shift() });
  });
  const send = (body) => (held.push(body), more?.());
  const view = page.locator(".log-view");
  const below = () => view.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  const lines = (count) => page.locator(".log-foot", { hasText: `${count} lines` }).waitFor(LONG);
  await visit(`/services/${id}/tasks/${task.id}`);
  await lines(300);
  await until("it is at its end", async () => (await below()) <= 4);
  await until("it asks for more", () => asked.length === 2);
  assert.equal(asked[1], offset, "from where it was");
  await view.hover();
  await page.mouse.wheel(0, -2000);
  const follow = page.getByRole("button", { name: "Jump to the end and follow" });
  await follow.waitFor();
  const top = await view.evaluate((element) => element.scrollTop);
  send(piece());
  await lines(600);
  assert.equal(await view.evaluate((element) => element.scrollTop), top, "who reads is left alone");
  await follow.click();
  await until("it is at its end again", async () => (await below()) <= 4);
  await follow.waitFor({ state: "detached" });
  send(`${piece()}event: end\ndata: {"outcome":"done"}\n\n`);
  await lines(900);
  await until("it follows", async () => (await below()) <= 4);
  await page.unroute(/\/attempts\/\d+\/stream/);
});

world.test("a group and a product are added by their forms; what is wrong stands at its field", async () => {
  await visit("/groups");
  await page.getByRole("button", { name: "Add group" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Not A Name");
  await dialog.getByRole("button", { name: "Add group" }).click();
  await dialog.locator(".field-error").waitFor();
  await browser.show(page, "group-new");
  await dialog.getByLabel("Name").fill("us");
  await dialog.getByLabel("Title").fill("Elsewhere");
  await dialog.getByRole("button", { name: "Add group" }).click();
  await page.getByRole("row").filter({ hasText: "Elsewhere" }).getByText("No nodes").waitFor();
  await visit("/products/new");
  await page.getByLabel("Name", { exact: true }).fill("little");
  await page.getByRole("combobox", { name: "Group" }).selectOption("us");
  await page.getByText("Customers may try again themselves").click();
  for (const role of ["mail", "DNS"]) await page.getByRole("switch", { name: new RegExp(`Sells ${role}`) }).uncheck();
  await page.getByLabel("Disk").first().fill("much");
  await page.getByRole("button", { name: "Add product" }).click();
  await page.locator(".field-error").waitFor();
  await page.getByLabel("Disk").first().fill("1.5 GB");
  await page.getByRole("button", { name: "Add product" }).click();
  await page.getByText("Product little was added.").waitFor();
  const { products } = await world.api.get("/products");
  const { group, customer_retry, web, mail, dns } = products.find((product) => product.name === "little");
  assert.deepEqual([group, customer_retry, web.disk_mb, mail ?? null, dns ?? null], ["us", false, 1500, null, null]);
});

world.test("what is wrong with an order is said all at once, and who has its domain", async () => {
  const { services } = await world.api.get("/services?status=live&limit=1");
  await visit("/services/new");
  await page.getByLabel("Product").selectOption("start");
  await page.getByLabel("Mailbox size").fill("-5");
  const send = page.getByRole("button", { name: "Place the order" });
  await send.click();
  await page.locator(".field-error").first().waitFor();
  assert.equal(await page.locator(".field-error").count(), 4, "domain, client, e-mail address and size");
  await browser.show(page, "order-wrong");
  await page.getByLabel("Mailbox size").fill("2 GB");
  await page.getByLabel("Client number").fill("7");
  await page.getByLabel("E-mail address").fill("ada@shop.example");
  await page.getByLabel("Domain", { exact: true }).fill(services[0].domain.toUpperCase());
  assert.equal(await page.locator(".field-error").count(), 0, "gone when it is put right");
  assert.match(await page.locator(".order-json").innerText(), /"mailbox_quota_mb": 2000/);
  await send.click();
  await page.getByRole("link", { name: "which is in the way" }).click();
  await page.waitForURL(new RegExp(`/admin/services/${services[0].id}$`));
});

world.test("what the outbox could not send is said in the menu and on the dashboard", async () => {
  await visit("/nodes");
  assert.equal(await page.locator(".nav-badge").count(), 0);
  const queue = await world.api.get("/queue");
  assert.deepEqual(queue.outbox, { waiting: 0, troubled: 0, failed: 0 });
  await page.route("**/api/v1/queue", (route) => route.fulfill({ json: { ...queue, outbox: { waiting: 2, troubled: 1, failed: 3 } } }));
  await visit("/");
  await page.getByRole("link", { name: /Tickets.*4 messages could not be sent/ }).waitFor();
  const row = page.getByRole("link", { name: /Messages not sent.*3 refused for good, 1 could not be sent so far.*5/ });
  await browser.show(page, "dashboard-outbox");
  await row.click();
  await page.waitForURL(/\/admin\/tickets$/);
  await page.unroute("**/api/v1/queue");
});

world.test("a node is added only when its key was compared", async () => {
  const node = world.lab.status().nodes.find((each) => each.name === "web1");
  await visit("/nodes/new");
  await page.getByLabel("Name", { exact: true }).fill("Web 9!");
  await page.getByLabel("SSH address").fill(node.address);
  await page.getByLabel("Web", { exact: true }).check();
  await page.getByLabel("EU", { exact: true }).check();
  await page.getByLabel("Host name").fill("web9.lab.test");
  await page.getByRole("button", { name: "Ask for its host key" }).click();
  await page.locator(".field-error", { hasText: "Only lower case letters" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("web9");
  await page.getByRole("button", { name: "Ask for its host key" }).click();
  const known = (await world.api.get("/nodes")).nodes.find((each) => each.name === "web1");
  await page.getByText(`256 ${known.fingerprint} ${node.address} (ED25519)`).waitFor(LONG);
  const add = page.getByRole("button", { name: "Add this node" });
  assert.equal(await add.getAttribute("aria-disabled"), "true");
  assert.equal((await world.api.get("/nodes")).nodes.some((each) => each.name === "web9"), false);
  await browser.show(page, "node-key");
  await page.getByLabel("The fingerprints are the same").check();
  await add.click();
  await page.getByRole("heading", { name: "web9", exact: true }).waitFor(LONG);
  await page.getByRole("button", { name: "Test connection" }).click();
  await page.getByText("Connected; panel, services and rights are as they should be").waitFor(LONG);
  await browser.show(page, "node");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await badge("paused").waitFor();
});

world.test("a zone template says which line is wrong, and shows the records that a domain would get", async () => {
  await visit("/zone-templates");
  await page.getByRole("link", { name: "default", exact: true }).click();
  await page.getByRole("cell", { name: "ns1.example.net" }).waitFor(LONG);
  await page.getByLabel("Product").selectOption("start");
  await page.getByRole("cell", { name: "ns1.lab.test" }).waitFor();
  const text = page.getByRole("textbox", { name: "Template" });
  const good = await text.inputValue();
  await text.fill(good.replace(/^www .*$/m, "www BOGUS x"));
  const line = good.split("\n").findIndex((each) => each.startsWith("www ")) + 1;
  await page.getByText(`line ${line}:`).waitFor();
  await page.getByRole("button", { name: `Go to line ${line}` }).waitFor();
  await browser.show(page, "zone-template");
  const leaving = page.getByRole("dialog", { name: "Leave without saving?" });
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Nodes" }).click();
  await leaving.getByRole("button", { name: "Stay here" }).click();
  await page.goBack();
  await leaving.waitFor();
  await page.keyboard.press("Escape");
  assert.match(page.url(), /\/zone-templates\/default$/, "who stays is where one was");
  await text.fill(`${good}\nshop 300 A {server_ip}\n`);
  await page.getByRole("cell", { name: "shop", exact: true }).waitFor();
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("Template default was saved.").waitFor();
  assert.match((await world.api.get("/zone-templates/default")).text, /^shop 300 A/m);
  await text.fill("nothing");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Nodes" }).click();
  await leaving.getByRole("button", { name: "Leave without saving" }).click();
  await page.getByRole("heading", { name: "Nodes", exact: true }).waitFor();
});

world.test("the catalogue's pages and the list of nodes are readable for everybody", async () => {
  for (const [path, name] of [["/nodes", "nodes"], ["/groups", "groups"], ["/products", "products"], ["/products/new", "product-new"], ["/zone-templates", "zone-templates"]]) {
    await visit(path);
    await page.waitForTimeout(500);
    await browser.show(page, name);
  }
  browser.checkQuiet(page, world.daemon.base, /401 .*session|422 .*(preview|groups)|503|409|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED/);
});
