// run.test.mjs - the run of a service as a file: downloaded, opened again, changed and opened, in a browser against berthd and the lab.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before } from "node:test";
import { join } from "node:path";
import { World } from "../lib/world.mjs";
import { Browser } from "./browser.mjs";

const world = new World("browser-run");
const browser = new Browser();
const PASSWORD = "a password for the tests";
const LONG = { timeout: 60000 };
/** what a browser says by itself: of the session that is asked for before the login, and of an answer that a test makes */
const REFUSED = /status of (401|413)/;
let page;
let file;

before(async () => {
  await world.open();
  await browser.open();
  await world.api.post("/staff", { name: "vera", role: "viewer", password: PASSWORD });
  page = await browser.page();
  await page.goto(`${world.daemon.base}/admin/login`);
  await page.getByLabel("Name").fill("vera");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
});
after(async () => {
  await browser.close();
  await world.close();
});

const verdict = (of) => page.locator(`[data-verdict="${of}"]`);
const choose = (what) => page.locator('input[type="file"]').setInputFiles(what);
const write = (name, text) => {
  const path = join(world.directory, name);
  writeFileSync(path, text);
  return path;
};
/** The file with its run made anew, under the signature that it had. */
const changed = (change) => {
  const all = JSON.parse(readFileSync(file, "utf8"));
  return JSON.stringify({ ...all, bundle: change(all.bundle) });
};
const show = async (name) => {
  await page.evaluate(() => globalThis.scrollTo(0, 0));
  await browser.show(page, name);
};

world.test("a run is downloaded and opened again: its tasks, a log, what happened", async () => {
  const { id } = await world.deploy("passed-on.test");
  await page.goto(`${world.daemon.base}/admin/services/${id}/deploy`);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download this run" }).click()]);
  file = join(world.directory, download.suggestedFilename());
  await download.saveAs(file);
  await page.getByRole("main").getByRole("link", { name: "Open a run" }).click();
  await page.getByRole("heading", { name: "Open a run", level: 1 }).waitFor();
  await page.getByText("drop it on this page").waitFor();
  await show("run-none");
  const asked = page.asked.length;
  await choose(file);
  await verdict("valid").getByText("Signed here and unchanged").waitFor(LONG);
  assert.deepEqual(page.asked.slice(asked).filter((url) => !url.includes("/assets/") && !url.endsWith("/stream")).map((url) => new URL(url).pathname), ["/api/v1/bundles/verify"], "nothing else is asked");
  await page.getByRole("definition").getByText("passed-on.test").first().waitFor();
  const tasks = (await world.api.get(`/services/${id}/tasks`)).tasks;
  assert.equal(await page.locator(".step").count(), tasks.length, "every task is in the list");
  assert.equal(await page.locator(".step").filter({ hasText: "Done" }).count(), tasks.length);
  assert.equal(await page.locator(".gantt-bar").count(), tasks.length, "and in the chart");
  assert.deepEqual([...(await page.locator(".lane-name").allInnerTexts())].map((name) => name.trim()).sort().slice(1), ["mail1", "ns1", "ns2", "web1"]);
  await page.locator(".event-words", { hasText: "The service is live" }).waitFor();
  await show("run");
});

world.test("a task of it shows its attempts and their log, by keyboard too", async () => {
  await page.locator('.bar-link[data-task="web.user"]').focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.locator(".log-line", { hasText: "v-add-user" }).first().waitFor();
  const lines = await dialog.locator(".log-line").count();
  assert.equal(await dialog.locator(".log-lines").innerText(), `${lines} lines`);
  assert.equal(await dialog.locator(".log-state").innerText(), "Ended");
  assert.equal(await dialog.getByRole("tab", { name: "Attempt 1" }).getAttribute("aria-selected"), "true");
  assert.match(page.url(), /\/run\?task=\d+$/);
  await browser.show(page, "run-log");
  // it can what the log of a service can
  await dialog.getByLabel("Search the log").fill("v-add-user");
  await dialog.locator("mark.current").waitFor();
  await dialog.getByRole("group", { name: "Lines shown" }).getByRole("button", { name: /^stderr / }).click();
  await dialog.getByText("Nothing was printed there.").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download all" }).click()]);
  assert.equal(download.suggestedFilename(), "passed-on.test-web.user-1.log");
  assert.equal(readFileSync(await download.path(), "utf8").split("\n").length, lines + 1);
  await dialog.getByRole("group", { name: "Lines shown" }).getByRole("button", { name: /^All / }).click();
  await dialog.locator('a[data-line="1"]').click();
  await dialog.locator('.log-line.chosen a[data-line="1"]').waitFor();
  assert.match(page.url(), /\/run\?task=\d+&attempt=\d+#L1$/);
  await dialog.getByRole("button", { name: "Copy lines" }).waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Copy link" }).count(), 0, "without the file it leads nowhere");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(new URL(page.url()).search, "");
  await page.goBack();
  await dialog.locator('.log-line.chosen a[data-line="1"]').waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await verdict("valid").waitFor(); // the file is still there
  await page.locator(".step").getByRole("link", { name: "Web user" }).click();
  await dialog.waitFor();
  await page.goBack();
  await dialog.waitFor({ state: "detached" });
});

world.test("one that was changed is shown with a warning", async () => {
  await choose(write("changed.json", changed((bundle) => bundle.replaceAll("web1", "web9"))));
  await verdict("changed").getByText("Not signed by this installation, or changed").waitFor();
  await page.locator(".lane-name", { hasText: "web9" }).waitFor();
  await show("run-changed");
  await choose(write("unsigned.json", JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), signature: undefined })));
  await verdict("changed").waitFor();
  await page.locator(".lane-name", { hasText: "web1" }).waitFor();
});

world.test("each attempt has its log, and says what of it is missing", async () => {
  const bundle = JSON.parse(JSON.parse(readFileSync(file, "utf8")).bundle);
  const task = bundle.tasks.find((each) => each.key === "web.user");
  const first = task.attempt_list[0];
  task.attempt_list = [
    { ...first, log_truncated: true },
    { ...first, id: "900001", number: 2, log: [], log_removed_at: first.ended_at },
    { ...first, id: "900002", number: 3, log: [], log_cut: true, outcome: "running", ended_at: null },
  ];
  await choose(write("attempts.json", changed(() => JSON.stringify(bundle))));
  await verdict("changed").waitFor();
  await page.locator(".step").getByRole("link", { name: "Web user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator(".log-note", { hasText: "The rest of this log is not in the file" }).waitFor();
  await dialog.locator(".log-state", { hasText: "As it was when the file was made" }).waitFor();
  assert.equal(await dialog.locator(".log-empty").count(), 0, "it may have printed something");
  await dialog.getByRole("tab", { name: "Attempt 1" }).click();
  await dialog.locator(".log-note", { hasText: "the end is missing here" }).waitFor();
  await dialog.locator('a[data-line="1"]').click();
  await dialog.locator(".log-line.chosen").waitFor();
  await dialog.getByRole("tab", { name: "Attempt 2" }).click();
  await dialog.locator(".log-note", { hasText: "This log was removed" }).waitFor();
  assert.match(page.url(), /&attempt=900001$/, "the line was one of another attempt");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

world.test("a file that was dropped is read as well", async () => {
  const data = await page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], "dropped.json"));
    return transfer;
  }, readFileSync(file, "utf8"));
  await page.dispatchEvent("h1", "dragover", { dataTransfer: data });
  await page.locator(".place.over").waitFor();
  await page.dispatchEvent("h1", "drop", { dataTransfer: data });
  await verdict("valid").waitFor();
  await page.getByRole("definition").getByText("dropped.json").waitFor();
});

world.test("what is no run, is cut off or cannot be shown says so in a sentence", async () => {
  const whole = readFileSync(file, "utf8");
  for (const [name, text, says] of [
    ["notes.txt", "call the customer", "notes.txt is not the file of a run."],
    ["half.json", whole.slice(0, whole.length / 2), "half.json is cut off"],
    ["newer.json", whole.replace("berth-run-1", "berth-run-9"), "has the format berth-run-9, which this Berth does not know"],
    ["broken.json", changed((bundle) => bundle.replace('"tasks":[', '"tacks":[')), "something is missing or was changed"],
    ["huge.json", " ".repeat(33 * 1024 * 1024), "huge.json has more than 32 MiB"],
  ]) {
    await choose(write(name, text));
    await page.getByRole("alert").getByText(says).waitFor();
    assert.equal(await page.locator(".step").count(), 0, "nothing of the one before is left");
  }
  await show("run-refused");
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("when the server cannot be asked the run is shown, and it can be asked again", async () => {
  await page.route("**/api/v1/bundles/verify", (route) => route.fulfill({ status: 413, contentType: "text/html", body: "<h1>Too large</h1>" }));
  await choose(file);
  await verdict("nobody").getByText("The signature could not be checked").waitFor();
  await page.locator(".step").first().waitFor();
  await page.unroute("**/api/v1/bundles/verify");
  await verdict("nobody").getByRole("button", { name: "Try again" }).click();
  await verdict("valid").waitFor();
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});
