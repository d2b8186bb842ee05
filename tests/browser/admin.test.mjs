// admin.test.mjs - the staff's pages in a browser, against berthd and the lab: who may come in, who may do what, and every page of
// it as a picture.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { World, until } from "../lib/world.mjs";
import { Webhook } from "../notify/servers.mjs";
import { Browser } from "./browser.mjs";

const world = new World("browser-admin");
const browser = new Browser();
const PASSWORD = "correct horse battery";
const CLIENT = { id: "7", name: "Ada Lovelace", email: "ada@client.test" };
const LONG = { timeout: 60000 };
/** what a browser says by itself of an answer that a test asks for */
const REFUSED = /status of (401|403|409|422|429)/;

before(async () => {
  await world.open();
  for (const [name, role] of [["ada", "owner"], ["grace", "operator"], ["vera", "viewer"]]) await world.api.post("/staff", { name, role, password: PASSWORD });
  await browser.open();
});
after(async () => {
  await browser.close();
  await world.close();
});

const at = (path) => world.daemon.base + "/admin" + path;
const heading = (page, text) => page.locator("h1", { hasText: text });
/** Pictures from the top: what stays in the window while it is scrolled would stand in their middle. */
async function show(page, name) {
  await page.evaluate(() => globalThis.scrollTo(0, 0));
  await browser.show(page, name);
}
const button = (page, name) => page.getByRole("button", { name, exact: true });

async function signIn(page, name, password = PASSWORD) {
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await button(page, "Sign in").click();
}

/** A page of somebody who is signed in. */
async function pageOf(name, path = "") {
  const page = await browser.page();
  await page.goto(at(path));
  await signIn(page, name);
  await page.locator(".page-title").waitFor();
  return page;
}

/** The same request as a page of ours makes, with or without what proves that it does. */
const ask = (page, method, path, body, headers = {}) =>
  page.evaluate(
    async ([method, path, body, headers]) => {
      const answer = await fetch(`/api/v1${path}`, { method, headers: { "Content-Type": "application/json", ...headers }, body: body && JSON.stringify(body) });
      return { status: answer.status, body: await answer.json().catch(() => null) };
    },
    [method, path, body, headers],
  );

world.test("who comes in goes to where they wanted; a wrong password is told so", async () => {
  const page = await browser.page();
  await page.goto(at("/settings?show=changes"));
  await heading(page, "Sign in").waitFor();
  await show(page, "admin-login");
  await signIn(page, "ada", "wrong");
  await page.getByText("Name or password is wrong").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("type")), "password", "the focus is where it goes on");
  await signIn(page, "nobody-of-that-name", "wrong");
  await page.getByText("Name or password is wrong").waitFor();
  await signIn(page, "ada");
  await heading(page, "Settings").waitFor();
  assert.equal(new URL(page.url()).search, "?show=changes");
  assert.equal(await page.title(), "Settings · Berth");
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), [{ name: "berth_session", httpOnly: true, sameSite: "Strict" }]);
  await page.goto(at("/account"));
  await page.locator("main").getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in").waitFor();
  await page.goto(at(""));
  await heading(page, "Sign in").waitFor();
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("an order is placed; what is wrong with it stands at its field", async () => {
  const page = await pageOf("grace", "/services/new");
  await page.getByLabel("Product").selectOption("start");
  await page.getByLabel("Domain", { exact: true }).fill("no dots");
  await page.getByLabel("Client number").fill(CLIENT.id);
  await page.getByLabel("Name optional").fill(CLIENT.name);
  await page.getByLabel("E-mail address").fill(CLIENT.email);
  await button(page, "Place the order").click();
  const domain = page.getByLabel("Domain", { exact: true });
  await page.locator(".field-wrong").waitFor();
  assert.equal(await domain.getAttribute("aria-invalid"), "true");
  const error = await page.locator(`[id="${(await domain.getAttribute("aria-describedby")).split(" ").at(-1)}"]`).innerText();
  assert.match(error, /no dots/);
  await show(page, "admin-order");
  await domain.fill("Bücher.test");
  await button(page, "Place the order").click();
  await page.waitForURL(/\/admin\/services\/\d+/);
  const [, id] = /services\/(\d+)/.exec(page.url());
  await world.status(id);

  await page.goto(at("/services?q=bücher"));
  await page.getByRole("link", { name: "bücher.test" }).waitFor();
  await page.goto(at("/services?q=nothing-like-it"));
  await page.getByText("No service matches").waitFor();
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("a search for digits finds the service, the order and the client of that number, and no address", async () => {
  const { id } = await world.order("digits.test", { external_id: "365", client: { ...CLIENT, id: "90210" } });
  await world.status(id);
  const { id: plain } = await world.order("nodigits.test", { client: { ...CLIENT, id: "8" } });
  await world.status(plain);
  const page = await pageOf("vera", "/services");
  const links = page.locator("tbody").getByRole("link");
  const found = async (text, names, path = "/services") => {
    await page.goto(at(path));
    const answer = page.waitForResponse((each) => new URL(each.url()).pathname === "/api/v1/services" && each.url().includes(text.toLowerCase()));
    await page.getByRole("searchbox").fill(text);
    await page.waitForFunction((text) => new URLSearchParams(location.search).get("q") === text, text);
    await answer; // an empty list is not one that has not come yet
    await until(`${text} finds ${names}`, async () => (await links.allInnerTexts()).sort().join() === names.sort().join());
  };
  await found("365", ["digits.test"]);
  await found("90210", ["digits.test"]);
  await found(`${plain}`, ["nodigits.test"]);
  await found(`${plain}`, ["nodigits.test"], "/services?status=live");
  await found(`${plain}`, [], "/services?status=failed");
  await page.goto(at("/services"));
  await page.getByRole("button", { name: "Failed", exact: true }).click();
  await until("only what has failed", async () => new URL(page.url()).search === "?status=failed" && (await links.count()) === 0);
  await found("1.2", []);
  await found("NoDigits", ["nodigits.test"]);
  const domains = page.asked.map((url) => new URL(url)).filter((url) => url.pathname === "/api/v1/services").flatMap((url) => url.searchParams.getAll("domain"));
  assert.ok(domains.includes("365*"));
  assert.deepEqual(domains.filter((domain) => /\.\d+\.\d/.test(domain)), [], "numbers were taken for addresses");
  browser.checkQuiet(page, world.daemon.base, /status of (401|404)/);
});

world.test("the list of services follows by itself", async () => {
  world.panel("pace=fixed 400");
  const page = await pageOf("vera", "/services");
  const { id } = await world.order("follows.test", { client: CLIENT });
  const row = page.getByRole("row").filter({ hasText: "follows.test" });
  await row.waitFor(LONG);
  world.panel("pace=none");
  await row.locator('[data-state="live"]').waitFor(LONG);
  await world.status(id);
});

world.test("the dashboard counts services, tasks and what the nodes carry; what is due for over a minute is red", async () => {
  const { id: web } = await world.node("web1");
  await world.setNode("web1", { capacity_max: 10 });
  const page = await pageOf("vera");
  const queue = await world.api.get("/queue");
  const { nodes } = await world.api.get("/nodes");
  const text = async (selector) => (await page.locator(selector).innerText()).replaceAll(",", "");
  for (const status of ["live", "deploying", "accepted", "waiting", "failed", "suspended"])
    await until(`services that are ${status}`, async () => (await text(`.tile[href$="status=${status}"] .tile-n`)) === String(queue.services[status]));
  for (const state of ["queued", "running", "waiting", "held", "failed"])
    await until(`tasks that are ${state}`, async () => (await text(`.number[href$="state=${state}"] .number-n`)) === String(queue[state]));
  for (const [name, role] of [["Web", "web"], ["Mail", "mail"], ["Name servers", "dns"]]) {
    const part = page.getByRole("region", { name, exact: true });
    const own = nodes.filter((node) => node.roles.includes(role));
    assert.deepEqual(await part.locator(".node-name").allInnerTexts(), own.map((node) => node.name));
    for (const node of own) {
      const entry = part.locator(".node", { hasText: node.name });
      await entry.getByText(node.id === web ? `${node.load} of 10 services` : `${node.load} ${node.load === 1 ? "service" : "services"}, no limit`).waitFor();
      await entry.getByText("Connected").waitFor();
    }
  }
  const [newest] = (await world.api.get("/services?limit=1")).services;
  assert.equal(await page.locator(".card", { hasText: "Ordered last" }).last().getByRole("link", { name: newest.domain_unicode }).count(), 1);

  const oldest = page.locator(".oldest");
  const color = () => page.locator(".oldest-n").evaluate((element) => getComputedStyle(element).color);
  let age_s = 30;
  await page.route("**/api/v1/queue", (route) => route.fulfill({ json: { ...queue, queued: 1, oldest_queued_at: new Date(Date.now() - age_s * 1000).toISOString() } }));
  await page.reload();
  await oldest.getByText(/^Oldest due task: 3\d s$/).waitFor();
  assert.equal(await page.locator(".oldest.late").count(), 0);
  const calm = await color();
  age_s = 70;
  await page.reload();
  await page.locator(".oldest.late").getByText(/^Oldest due task: 7\d s$/).waitFor();
  await oldest.getByText(/^Late: due for 1 min/).waitFor();
  const [red, green, blue] = (await color()).match(/\d+/g).map(Number);
  assert.ok((await color()) !== calm && red > 2 * green && red > 2 * blue, `${red} ${green} ${blue} is no red`);
  await show(page, "admin-dashboard-late");
  await world.setNode("web1", { capacity_max: 0 });
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("a viewer looks and changes nothing: neither by buttons nor past them", async () => {
  const page = await pageOf("vera", "/tokens");
  const add = button(page, "Add a token");
  assert.equal(await add.getAttribute("aria-disabled"), "true");
  assert.match(await add.getAttribute("title"), /Only owners/);
  await add.click({ force: true });
  assert.equal(await page.locator("dialog").count(), 0);
  await page.goto(at("/settings"));
  await page.getByText("Only owners may do this").waitFor();
  assert.equal(await page.locator(".setting input:not([disabled]), .setting select:not([disabled])").count(), 0);
  const { csrf } = (await ask(page, "GET", "/session")).body;
  for (const [method, path, body] of [
    ["POST", "/services", { product: "start", domain: "no.test", client: CLIENT }],
    ["POST", "/tokens", { name: "no", role: "owner" }],
    ["PATCH", "/settings", { "retry.first": "5 s" }],
    ["PATCH", "/staff/3", { role: "owner" }],
  ]) {
    const answer = await ask(page, method, path, body, { "Berth-CSRF": csrf });
    assert.equal(answer.status, 403, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
});

world.test("a request that does not prove that it is ours is refused", async () => {
  const page = await pageOf("ada");
  const answer = await ask(page, "PATCH", "/settings", { "retry.first": "5 s" });
  assert.equal(answer.status, 403);
  assert.equal(answer.body.type, "urn:berth:problem:csrf");
  const guessed = await ask(page, "PATCH", "/settings", { "retry.first": "5 s" }, { "Berth-CSRF": "x".repeat(43) });
  assert.equal(guessed.status, 403);
});

world.test("settings are saved all together or not at all", async () => {
  const page = await pageOf("ada", "/settings");
  const row = (name) => page.locator(`[data-setting="${name}"]`);
  await row("retry.first").locator("input").fill("2 h");
  await row("retry.attempts").locator("input").fill("20");
  await page.getByText("2 settings edited").waitFor();
  await button(page, "Save changes").click();
  await row("retry.first").locator(".field-error").waitFor();
  assert.match(await row("retry.first").locator(".field-error").innerText(), /between 100 ms and 1 h/);
  const attempts = async () => (await world.api.get("/settings")).settings.find((setting) => setting.name === "retry.attempts");
  assert.equal((await attempts()).set, false, "one of them was wrong: none is saved");
  await show(page, "admin-settings");
  await row("retry.first").locator("input").fill("10 s");
  await button(page, "Save changes").click();
  await page.getByText("2 settings are saved").waitFor();
  assert.equal((await attempts()).value, 20);
  await row("retry.attempts").getByText("Changed").waitFor();
  await row("retry.attempts").getByRole("button", { name: "back to the default" }).click();
  await row("ticket.enabled").locator("input").check();
  await row("ticket.channel").locator("select").selectOption("webhook");
  await row("notify.webhook_url").locator("input").fill("http://127.0.0.1:9/");
  await row("notify.webhook_secret").locator("input").fill("a secret of ours");
  await button(page, "Save changes").click();
  await page.getByText("5 settings are saved").waitFor();
  assert.equal((await attempts()).set, false);
  await page.getByRole("link", { name: "History", exact: true }).click();
  await page.getByText("(changed)").waitFor();
  assert.ok(!(await page.locator("main").innerText()).includes("a secret of ours"));
  await show(page, "admin-settings-history");
  await world.api.patch("/settings", { "retry.first": null, "ticket.enabled": null, "ticket.channel": null, "notify.webhook_url": null, "notify.webhook_secret": null });
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("a token's text is shown once; revoking it asks for its name", async () => {
  const page = await pageOf("ada", "/tokens");
  await button(page, "Add a token").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("billing");
  await dialog.getByLabel("Role").selectOption("viewer");
  await dialog.getByRole("button", { name: "Add a token" }).click();
  const token = await dialog.locator("[data-token]").innerText();
  assert.match(token, /^berth_[A-Za-z0-9_-]{43}$/);
  const use = () => fetch(`${world.daemon.base}/api/v1/services`, { headers: { Authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  assert.equal(await use(), 200);
  await browser.checkAccess(page, "a new token");
  await dialog.getByRole("button", { name: "I have kept it" }).click();
  const row = page.getByRole("row").filter({ hasText: "billing" });
  await row.waitFor();
  assert.ok(!(await page.content()).includes(token), "it is shown once");
  await show(page, "admin-tokens");

  const revoke = row.getByRole("button", { name: "Revoke" });
  await revoke.click();
  const sure = dialog.getByRole("button", { name: "Revoke" });
  assert.equal(await sure.getAttribute("aria-disabled"), "true");
  await page.keyboard.press("Escape");
  assert.equal(await revoke.evaluate((element) => element === document.activeElement), true, "the focus goes back");
  await revoke.click();
  await dialog.getByLabel("Type billing to confirm").fill("billing");
  await browser.checkAccess(page, "revoking a token");
  await sure.click();
  await row.locator('[data-state="revoked"]').waitFor();
  assert.equal(await use(), 401);
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("somebody is added, comes in, and is sent out when disabled", async () => {
  const page = await pageOf("ada", "/staff");
  await button(page, "Add a person").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("charles");
  await dialog.getByLabel("Password").fill("short");
  await dialog.getByRole("button", { name: "Add a person" }).click();
  await dialog.locator(".field-error").waitFor();
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Add a person" }).click();
  const row = page.getByRole("row").filter({ hasText: "charles" });
  await row.waitFor();
  const other = await pageOf("charles", "/queue");
  await show(page, "admin-staff");

  await row.getByRole("button", { name: "Disable" }).click();
  await dialog.getByLabel("Type charles to confirm").fill("charles");
  await dialog.getByRole("button", { name: "Disable" }).click();
  await row.locator('[data-state="disabled"]').waitFor();
  await other.getByRole("link", { name: "Services", exact: true }).click();
  await heading(other, "Sign in").waitFor();
  const me = page.getByRole("row").filter({ hasText: "ada" });
  await me.getByRole("button", { name: "Disable" }).click();
  await dialog.getByLabel("Type ada to confirm").fill("ada");
  await dialog.getByRole("button", { name: "Disable" }).click();
  await dialog.getByRole("alert").waitFor();
  assert.match(await dialog.getByRole("alert").innerText(), /owner/, "the last owner stays");
});

world.test("a password is changed by who knows the old one", async () => {
  const page = await pageOf("grace", "/account");
  await page.getByLabel("Current password").fill("not it at all");
  await page.getByLabel("New password", { exact: true }).fill("another horse battery");
  await page.getByLabel("New password again").fill("another horse");
  await button(page, "Change the password").click();
  await page.getByText("The two are not the same").waitFor();
  await page.getByLabel("New password again").fill("another horse battery");
  await button(page, "Change the password").click();
  await page.locator(".field-error, .note[role=alert]").first().waitFor();
  await page.getByLabel("Current password").fill(PASSWORD);
  await button(page, "Change the password").click();
  await page.getByText("The password is changed").waitFor();
  await show(page, "admin-account");
  await button(page, "Sign out").first().click();
  await heading(page, "Sign in").waitFor();
  await signIn(page, "grace", "another horse battery");
  await page.locator(".page-title").waitFor();
});

world.test("a failed task is seen, its ticket read, and tried again", async () => {
  const hook = await new Webhook().open();
  hook.answer = () => ({ status: 503, text: "{}" });
  await world.api.patch("/settings", { "ticket.enabled": true, "ticket.channel": "webhook", "notify.webhook_url": `http://127.0.0.1:${hook.port}/`, "notify.webhook_secret": "a secret of ours", "retry.attempts": 1, "retry.wait": "1 min" });
  world.panel("fail=v-add-web-domain:15");
  const { id } = await world.order("fails.test", { client: CLIENT });
  const { id: other } = await world.order("failstoo.test", { client: CLIENT });
  for (const each of [id, other]) await world.task(each, "web.domain", ["failed"]);
  const page = await pageOf("ada");
  await page.locator(".entries").getByRole("link", { name: "fails.test" }).first().waitFor(LONG);
  await show(page, "admin-dashboard");
  await page.goto(at("/queue?state=failed"));
  await page.getByRole("row").filter({ hasText: "fails.test" }).waitFor();
  await show(page, "admin-queue");
  await page.goto(at("/tickets"));
  await page.getByRole("link", { name: /^Ticket \d+/ }).first().click();
  await page.getByText("web.domain").first().waitFor();
  await show(page, "admin-ticket");
  await page.goto(at("/tickets"));
  await page.getByRole("row").nth(1).waitFor();
  await show(page, "admin-tickets");
  const told = page.getByRole("row").filter({ hasText: "fails.test" });
  await told.locator('[data-state="queued"]').waitFor(LONG);
  await told.getByText(/503/).waitFor(LONG);
  const refused = hook.requests.length;
  hook.answer = () => ({ text: "{}" });
  await button(told, "Send now").click();
  await page.getByText("It is being sent now.").waitFor();
  await told.locator('[data-state="sent"]').waitFor(LONG);
  assert.ok(hook.requests.length > refused, "said to be sent, but nobody got it");
  assert.equal(await button(told, "Send now").count(), 0);
  hook.close();
  world.panel("fail=");
  await page.goto(at("/queue?state=failed"));
  await page.getByRole("row").filter({ hasText: "fails.test" }).getByRole("button", { name: "Retry" }).click();
  await page.getByText("is tried again").waitFor();
  await world.status(id);
  await page.getByRole("row").filter({ hasText: "fails.test" }).waitFor({ state: "detached" });
  await button(page, "Retry all that match").click();
  await page.getByRole("dialog").getByText("1 task that matches the filter is started again now.").waitFor();
  await show(page, "admin-queue-retry");
  await button(page.getByRole("dialog"), "Retry 1 task").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await world.status(other);
  await world.api.patch("/settings", { "ticket.enabled": null, "retry.attempts": null, "retry.wait": null });
});

world.test("the other pages, and the way through them by keyboard", async () => {
  const page = await pageOf("ada", "/audit");
  await page.getByText("session.open").first().waitFor();
  await show(page, "admin-audit");
  await page.goto(at("/services"));
  await page.getByRole("row").nth(1).waitFor();
  await show(page, "admin-services");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "MAIN");
  await page.getByRole("link", { name: "Audit", exact: true }).press("Enter");
  await heading(page, "Audit").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "who reads by ear hears which page it is");
  await page.goBack();
  await heading(page, "Services").waitFor();
  await page.goto(at("/no/such/page/at/all"));
  await heading(page, "Not found").waitFor();
  await show(page, "admin-not-found");
  await page.goto(at("/account"));
  await page.getByText("Dark", { exact: true }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.bsTheme), "dark");
  await page.reload();
  await heading(page, "Your account").waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.bsTheme), "dark", "it is remembered");
  await page.setViewportSize({ width: 360, height: 740 });
  const menu = button(page, "Menu");
  await menu.click();
  await page.getByRole("link", { name: "Task queue" }).click();
  await heading(page, "Task queue").waitFor();
  assert.equal(await menu.getAttribute("aria-expanded"), "false", "the menu closes");
  browser.checkQuiet(page, world.daemon.base, REFUSED);
});

world.test("who tries too often waits, and sees how long", async () => {
  const page = await browser.page();
  await page.goto(at("/login"));
  const wait = page.getByRole("button", { name: /^Try again in/ });
  for (let i = 0; i < 30 && (await wait.count()) === 0; i++) {
    await signIn(page, "vera", `wrong ${i}`);
    await page.waitForFunction(() => !document.querySelector("form .spinner-border"));
  }
  await wait.waitFor();
  assert.equal(await wait.getAttribute("aria-disabled"), "true");
  await page.getByRole("alert").waitFor();
});
