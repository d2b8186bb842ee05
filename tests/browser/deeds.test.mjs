// deeds.test.mjs - what staff do by the buttons of their pages, in a browser against berthd and the lab: passwords, links, cancel, a task
// that is given up, a conflict, a node that is paused, drained or away. What each dialog looks like is photographed, and read with axe.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { serves, visit as visitSite } from "../lib/customer.mjs";
import { World, until } from "../lib/world.mjs";
import { Browser } from "./browser.mjs";

const world = new World("browser-deeds");
const browser = new Browser();
const PASSWORD = "a password for the tests";
const LONG = { timeout: 60000 };
const bin = "/usr/local/hestia/bin";
/** what the browser says by itself when the page asks, before anybody has signed in, who it is */
const NOT_IN_YET = /status of 401 .*\/session\)/;
let page, live;

before(async () => {
  await world.open();
  await browser.open();
  await world.api.post("/staff", { name: "ada", role: "owner", password: PASSWORD });
  page = await browser.page({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(`${world.daemon.base}/admin/login`);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  live = await world.deploy("deeds.test");
});
after(async () => {
  await browser.close();
  await world.close();
});

async function visit(path) {
  await page.goto(`${world.daemon.base}/admin${path}`);
  await page.locator("h1").waitFor();
}

const badge = (state) => page.locator(`.page-head [data-state="${state}"]`);
const dialog = () => page.getByRole("dialog");
const button = (name, within = page) => within.getByRole("button", { name, exact: true });

/** Open a dialog, look at it, say yes. */
async function confirm(opener, yes, picture) {
  await opener.click();
  await dialog().waitFor();
  if (picture) await browser.show(page, picture);
  await button(yes, dialog()).click();
  await dialog().waitFor({ state: "detached" });
}

const audited = async (action, target) => (await world.api.get("/audit?limit=50")).entries.find((entry) => entry.action === action && entry.target.includes(target) && entry.who.startsWith("ada "));

world.test("passwords are shown on a click, which is recorded, and are those that are stored", async () => {
  await visit(`/services/${live.id}`);
  await button("Show passwords").click();
  const panel = world.secrets().filter((secret) => secret.service === String(live.id)).map((secret) => secret.secret);
  await page.locator(".credential").first().waitFor();
  const shown = await page.locator(".credential code").allTextContents();
  for (const secret of panel) assert.ok(shown.includes(secret), "a stored password is not shown");
  await browser.show(page, "deeds-passwords");
  assert.ok(await audited("credentials.reveal", "deeds.test"));
  await button("Hide").click();
  assert.equal(await page.locator(".credential").count(), 0);
});

world.test("a new link takes the place of the old one at once", async () => {
  const before = (await world.api.service(live.id)).customer_url;
  await visit(`/services/${live.id}`);
  await confirm(button("New link"), "New link", "deeds-link");
  const url = page.getByRole("textbox", { name: "The customer’s link" });
  await until("the page has the new link", async () => (await url.inputValue()) !== before);
  const status = async (address) => (await fetch(`${world.daemon.base}${new URL(address).pathname}`)).status;
  assert.equal(await status(before), 410);
  assert.equal(await status(await url.inputValue()), 200);
  assert.ok(await audited("link.renew", "deeds.test"));
});

world.test("new passwords are set on the nodes", async () => {
  const before = world.secret(live.id, "mailbox-password");
  await visit(`/services/${live.id}/deploy`);
  await confirm(button("Change passwords"), "Change passwords", "deeds-password");
  await until("another password is stored", () => world.secret(live.id, "mailbox-password") !== before, 60000);
  await badge("live").waitFor(LONG);
  assert.ok(await audited("service.password", "deeds.test"));
});

world.test("a plan says that nothing would change; verify and repair ends well", async () => {
  await visit(`/services/${live.id}/deploy`);
  await confirm(button("Plan"), "Plan");
  await until("the plan has ended", async () => (await world.api.get(`/services/${live.id}/operations`)).operations.some((operation) => operation.kind === "plan" && operation.state === "done"), 60000);
  await confirm(button("Verify and repair"), "Verify and repair", "deeds-verify");
  await until("it was verified", async () => (await world.api.events(live.id)).some((event) => event.kind === "service.verified"), 60000);
});

world.test("what is missing on a node is said by a plan, and made again and said by verify and repair", async () => {
  const address = (node) => world.lab.node(node).address;
  const stands = async () => /deeds\.test/.test((await visitSite(address("web1"), "deeds.test")).text) && serves(address("ns2"), "deeds.test");
  assert.ok(await stands());
  world.lab.exec("web1", `${bin}/v-delete-web-domain deeds deeds.test`);
  world.lab.exec("ns2", `${bin}/v-delete-dns-domain deeds deeds.test`);
  const report = (title) => page.locator(".card", { has: page.getByRole("heading", { name: title, exact: true }) });
  /** The report's rows as they are read: step, node, what. */
  const rowsOf = async (card) => (await card.locator("tbody tr").all().then((rows) => Promise.all(rows.map((row) => row.locator("td").allInnerTexts())))).map((cells) => cells.map((cell) => cell.replace(/\s+/g, " ").trim()));

  await visit(`/services/${live.id}/deploy`);
  await confirm(button("Plan"), "Plan", "deeds-plan");
  const plan = report("What would change");
  await plan.locator("tbody tr").first().waitFor(LONG);
  const planned = await rowsOf(plan);
  assert.deepEqual(planned.map(([step, node]) => `${step} on ${node}`).sort(), ["DNS zone dns.zone@ns2 on ns2", "Web domain web.domain on web1"], JSON.stringify(planned));
  assert.match(planned.find(([, node]) => node === "web1")[2], /would run v-add-web-domain/);
  assert.match(planned.find(([, node]) => node === "ns2")[2], /would run v-insert-dns-domain/);
  await plan.getByText("2 changes").waitFor();
  await browser.show(page, "deeds-planned");
  assert.equal(serves(address("ns2"), "deeds.test"), false, "a plan changes nothing");
  // steps of a plan do not wait for each other: their bars end late and their lines begin early
  const outside = await page.evaluate(() => {
    const plot = document.querySelector(".plot").getBoundingClientRect();
    return [...document.querySelectorAll(".bar-label")].filter((label) => label.getBoundingClientRect().left < plot.left || label.getBoundingClientRect().right > plot.right + 1).map((label) => label.textContent.trim());
  });
  assert.deepEqual(outside, [], "words beside the bars that cannot be read");

  await confirm(button("Verify and repair"), "Verify and repair");
  const repair = report("What was repaired");
  await repair.locator("tbody tr").first().waitFor(LONG);
  const repaired = await rowsOf(repair);
  for (const [step, node] of planned) assert.ok(repaired.some((row) => row[0] === step && row[1] === node && row[2] !== ""), `${step} on ${node} is not among ${JSON.stringify(repaired)}`);
  assert.ok(repaired.every((row) => !/would/.test(row[2])), JSON.stringify(repaired));
  await browser.show(page, "deeds-repaired");
  assert.ok(await stands(), "it is there again");
  await confirm(button("Verify and repair"), "Verify and repair");
  await page.getByText("Nothing had to be repaired").waitFor(LONG);
});

world.test("what is under way is cancelled, and a task that does not end is given up", async () => {
  world.lab.do("panel", "web1", "pace=fixed 20000");
  const { id } = await world.order("cancelled.test");
  await world.task(id, "web.package", ["running"]);
  await visit(`/services/${id}/deploy`);
  await confirm(button("Cancel").first(), "Cancel the operation", "deeds-cancel");
  await badge("failed").waitFor(LONG);
  const { id: other } = await world.order("stuck.test");
  const task = await world.task(other, "web.package", ["queued", "running"]);
  await visit(`/services/${other}/tasks/${task.id}`);
  await button("Force-fail", dialog()).click();
  const last = dialog().last();
  await last.getByRole("heading", { name: /Give up/ }).waitFor();
  await browser.show(page, "deeds-force-fail");
  await button("Give it up", last).click();
  await badge("failed").waitFor(LONG);
  assert.equal((await world.api.task(other, "web.package")).state, "failed");
  assert.ok(await audited("task.fail", "stuck.test"));
  await button("Copy as ticket", dialog()).click();
  await until("the ticket is copied", async () => /^Service: stuck\.test/.test(await page.evaluate(() => navigator.clipboard.readText())));
  const ticket = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(ticket, /web\.package[^]*web1[^]*Failed[^]*\/admin\/services\/\d+\/tasks\/\d+/);
  world.lab.do("panel", "web1", "pace=none");
});

world.test("somebody else's user has our name: renamed by a button", async () => {
  world.lab.exec("web1", `${bin}/v-add-user bname Secret-123 b@example.org`);
  const { id } = await world.order("bname.test");
  await until("the conflict", async () => (await world.api.service(id)).status === "failed", 60000);
  await visit(`/services/${id}/deploy`);
  const trouble = page.locator(".trouble", { hasText: "Web user" });
  await trouble.waitFor(LONG);
  await browser.show(page, "deeds-conflict");
  const choice = trouble.getByRole("button", { name: /name/i }).first();
  await choice.click();
  await dialog().waitFor();
  await browser.show(page, "deeds-rename");
  await dialog().locator("button[type=submit]").click();
  await badge("live").waitFor(LONG);
  assert.deepEqual((await world.api.service(id)).roles[0].nodes.map((node) => node.account), ["bname2"]);
});

world.test("a node is tested, paused and taken back", async () => {
  const node = await world.node("ns1");
  await visit(`/nodes/${node.id}`);
  await page.locator(".page-head").getByRole("button", { name: /test/i }).click();
  await page.locator(".result").waitFor(LONG);
  await browser.show(page, "deeds-node-test");
  await page.locator(".page-head").getByRole("button", { name: /pause/i }).click();
  await dialog().waitFor();
  await browser.show(page, "deeds-node-pause");
  await dialog().locator("button[type=submit]").click();
  await badge("paused").waitFor(LONG);
  assert.equal((await world.node("ns1")).state, "paused");
  await page.locator(".page-head").getByRole("button", { name: /activ|resume|take back/i }).click();
  await dialog().locator("button[type=submit]").click();
  await badge("active").waitFor(LONG);
  assert.ok(await audited("node.pause", "ns1"));
});

world.test("a node that cannot be reached says why and since when, shows its tasks, and is back by itself", async () => {
  const { id } = await world.node("ns2");
  await visit(`/nodes/${id}`);
  await badge("active").waitFor(LONG);
  const tasks = page.getByRole("table", { name: "Tasks on this node" }).locator("tbody tr");
  await tasks.first().waitFor(LONG);
  assert.ok((await tasks.allInnerTexts()).every((row) => /dns\./.test(row)), "only its own");
  await page.getByRole("combobox", { name: "State" }).selectOption("running");
  await page.getByText("No tasks here.").waitFor();
  // as if there were more tasks than are shown
  await page.route("**/api/v1/tasks?*", (route) => route.continue({ url: route.request().url().replace("limit=50", "limit=2") }));
  await page.getByRole("combobox", { name: "State" }).selectOption("");
  await page.getByText("Only the latest 50 are shown.").waitFor();
  world.lab.do("sshd", "ns2", "stop");
  world.lab.do("cut", "ns2");
  await badge("unreachable").waitFor(LONG);
  const node = await world.node("ns2");
  const note = page.getByRole("alert").filter({ hasText: "Cannot be reached" });
  await note.getByText(node.state_reason).waitFor();
  assert.equal(await note.locator("time").getAttribute("datetime"), node.state_since);
  await page.getByText("Open: nothing is sent until it answers").waitFor();
  await browser.show(page, "deeds-node-unreachable");
  await page.unroute("**/api/v1/tasks?*");
  await visit("");
  const entry = page.getByRole("region", { name: "Name servers" }).locator(".node", { hasText: "ns2" });
  await entry.locator(".node-reason").getByText(node.state_reason).waitFor();
  await entry.getByText("Last contact").waitFor();
  await visit(`/nodes/${id}`);
  world.lab.do("sshd", "ns2", "start");
  await badge("active").waitFor(LONG);
  await note.waitFor({ state: "detached" });
  await page.getByText("Closed: commands are sent").waitFor();
});

world.test("a drained node keeps what it has and gets nothing new, until it is activated", async () => {
  const { id: node } = await world.node("web1");
  const since = page.locator(".card", { has: page.getByRole("heading", { name: "Connection" }) }).locator("time").first();
  const readSince = async () => Date.parse(await since.getAttribute("datetime"));
  await visit(`/nodes/${node}`);
  const before = await readSince();
  await confirm(button("Drain"), "Drain", "deeds-node-drain");
  await badge("draining").waitFor(LONG);
  await page.locator(".note", { hasText: "Draining" }).getByText("Nothing new is placed on it; what it has goes on.").waitFor();
  assert.equal(await readSince(), Date.parse((await world.node("web1")).state_since));
  assert.ok((await readSince()) > before, "since now");
  assert.equal(await button("Drain").count(), 0);
  await browser.show(page, "deeds-node-draining");
  assert.ok(await audited("node.drain", "web1"));

  const { id } = await world.order("drained.test");
  await world.status(id, "waiting");
  await visit(`/services/${id}`);
  await badge("waiting").waitFor(LONG);
  await page.getByText(/web1 is draining/).first().waitFor();
  await page.getByRole("link", { name: "Deploy", exact: true }).click();
  await page.getByText("Nothing has been done yet").waitFor(LONG);
  await page.locator(".note", { hasText: "It waits" }).getByText(/web1 is draining/).waitFor();
  assert.equal((await world.api.service(id)).roles.flatMap((role) => role.nodes).length, 0);
  const verified = async () => (await world.api.get(`/services/${live.id}/operations`)).operations.filter(({ kind, state }) => kind === "verify" && state === "done").length;
  const times = await verified();
  await visit(`/services/${live.id}/deploy`);
  await confirm(button("Verify and repair"), "Verify and repair");
  await until("its tasks go on", async () => (await verified()) > times, 60000);

  await visit(`/nodes/${node}`);
  await confirm(button("Activate"), "Activate", "deeds-node-activate");
  await badge("active").waitFor(LONG);
  await page.locator(".note", { hasText: "Draining" }).waitFor({ state: "detached" });
  const service = await world.status(id);
  assert.deepEqual(service.roles[0].nodes.map(({ name }) => name), ["web1"]);
  assert.ok(await audited("node.set", "web1"));
  browser.checkQuiet(page, world.daemon.base, NOT_IN_YET);
});
