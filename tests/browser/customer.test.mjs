// customer.test.mjs - the customer's page in a browser, against berthd and the lab: from the order to the control panel, and through
// everything that can come between.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { Resolver, freePort } from "../lib/resolver.mjs";
import { World, until } from "../lib/world.mjs";
import { Webhook } from "../notify/servers.mjs";
import { Browser } from "./browser.mjs";

const world = new World("browser-customer");
const browser = new Browser();
const KB_MAX = 60;
const LONG = { timeout: 90000 };

before(async () => {
  await world.open();
  world.configure({ listen: new URL(world.daemon.base).host }); // a berthd that comes back is found where it was
  await browser.open();
});
after(async () => {
  await browser.close();
  await world.close();
});

const addressOf = (order) => world.daemon.base + new URL(order.customer_url).pathname;
const headline = (page, text) => page.locator("main.app h1", { hasText: text });

/** Open the page, mark its window, and remember every percent that the bar shows. */
async function open(page, order) {
  await page.goto(addressOf(order));
  await page.locator("main.app h1").waitFor();
  await page.evaluate(() => {
    globalThis.mark = "the same window";
    globalThis.percents = [];
    const look = () => {
      const value = document.querySelector("progress")?.value;
      if (value !== undefined && value !== globalThis.percents.at(-1)) globalThis.percents.push(value);
    };
    look();
    new MutationObserver(look).observe(document.querySelector("main"), { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

async function checkSameWindow(page) {
  const { mark, percents } = await page.evaluate(() => ({ mark: globalThis.mark, percents: globalThis.percents }));
  assert.equal(mark, "the same window", "the page was loaded again");
  assert.ok(percents.every((value, index) => index === 0 || value >= percents[index - 1]), `the bar moved back: ${percents}`);
  return percents;
}

world.test("an order is watched from the splash to the control panel, in one window", async () => {
  world.panel("pace=fixed 1500"); // slow enough to be looked at
  const order = await world.order("münchen.test", { client: { id: "c-1", name: "Ada Lovelace", email: "ada@client.test" } });
  const page = await browser.page();
  await open(page, order);
  await headline(page, "Setting up münchen.test").waitFor();
  await page.locator(".steps li.working").first().waitFor();
  await page.locator(".steps li.done").first().waitFor(LONG);
  assert.match(await page.title(), /^\d+% · münchen\.test$/);
  await page.locator(".activity time").first().waitFor();
  const steps = await page.locator(".steps li").allInnerTexts();
  const said = page.getByRole("status").filter({ hasText: /^Now: / });
  await said.waitFor({ state: "attached", ...LONG });
  const step = (await said.innerText()).replace(/^Now: /, "").trim();
  assert.ok(steps.some((text) => text.includes(step)), `the ear hears of a step that the eye sees: ${step}`);
  await browser.show(page, "customer-splash");
  world.panel("pace=none");

  await headline(page, "münchen.test is ready").waitFor(LONG);
  const percents = await checkSameWindow(page);
  assert.ok(percents.length >= 4, `the bar moves: ${percents}`);
  assert.ok(percents.every((value) => value < 100), `a full bar is a promise: ${percents}`);
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "who reads by ear is taken to the new headline");
  assert.equal(await page.title(), "münchen.test is ready");
  assert.doesNotMatch(await page.locator("p[role=status]").innerText(), /Now: /, "the ear hears of no step any more");
  const text = await page.locator("main").innerText();
  for (const word of ["http://münchen.test", "info@münchen.test", "info@xn--mnchen-3ya.test", "mail1.lab.test", "993", "465", "ns1.lab.test", "ns2.lab.test", "nginx"]) assert.ok(text.includes(word), `${word} is missing`);
  await page.getByRole("button", { name: "Copy: Your login" }).waitFor();
  assert.deepEqual(page.asked.filter((url) => url.endsWith("/state")), [], "the stream says it all");
  await page.getByText("What has been done").click();
  assert.ok((await page.locator(".steps li.done").count()) > 5);
  assert.ok((await page.locator(".activity time").count()) > 3);
  await browser.show(page, "customer-panel");
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("a button copies, and says so to the eye and to the ear", async () => {
  const page = await browser.page({ permissions: ["clipboard-read", "clipboard-write"] });
  await open(page, await world.order("copy.test"));
  await headline(page, "copy.test is ready").waitFor(LONG);
  await page.getByRole("button", { name: "Copy: Name server 1" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "ns1.lab.test");
  await page.locator("button.copied").waitFor();
  await page.getByRole("status").filter({ hasText: "Copied: Name server 1" }).waitFor({ state: "attached" });
  await page.context().close();
});

world.test("the page and all it loads is small", async () => {
  const order = await world.order("small.test");
  const page = await browser.page();
  const kb = (await browser.weigh(page, addressOf(order))) / 1000;
  process.stdout.write(`${JSON.stringify({ figure: "page.kb", value: Math.round(kb * 10) / 10 })}\n`);
  assert.ok(kb > 5 && kb <= KB_MAX, `${kb} kB`);
  await page.context().close();
  await world.status(order.id);
});

world.test("a node that does not answer is told, and its recovery is seen", async () => {
  world.lab.do("sshd", "ns2", "stop");
  world.lab.do("cut", "ns2");
  await world.daemon.said(/event=node\.down node=ns2/);
  const page = await browser.page();
  const order = await world.order("patient.test");
  await open(page, order);
  await page.locator(".note.wait", { hasText: "A part of our platform does not answer" }).waitFor(LONG);
  await page.locator(".steps li.waiting").first().waitFor(LONG);
  await browser.show(page, "customer-waiting");
  world.lab.do("sshd", "ns2", "start");
  await headline(page, "patient.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("what waits to be tried again says so, and until when", async () => {
  await world.api.patch("/settings", { "retry.attempts": 10, "retry.first": "20 s" });
  world.lab.do("panel", "mail1", "fail=v-add-mail-domain:3");
  const order = await world.order("later.test");
  const page = await browser.page();
  await open(page, order);
  const note = page.locator(".note.wait", { hasText: "It goes on" });
  await note.waitFor(LONG);
  const until = Date.parse(await note.locator("time").getAttribute("datetime"));
  assert.ok(until > Date.now() - 1000 && until < Date.now() + 120000, `it goes on at ${new Date(until).toISOString()}`);
  await browser.checkAccess(page, "what it waits for, and until when");
  world.lab.do("panel", "mail1", "fail=");
  await world.api.post(`/services/${order.id}/retry`);
  await headline(page, "later.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  await world.api.patch("/settings", { "retry.attempts": null, "retry.first": null });
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("where a ticket went out it is said; where the product does not let him, the customer cannot try again", async () => {
  const hook = await new Webhook().open();
  await world.api.patch("/settings", { "ticket.enabled": true, "ticket.channel": "webhook", "notify.webhook_url": `http://127.0.0.1:${hook.port}/`, "notify.webhook_secret": "a secret of ours" });
  await world.addProduct("strict", { web: { disk_mb: 1000 }, customer_retry: false });
  world.lab.do("panel", "web1", "fail=v-add-web-domain:10");
  const order = await world.order("strict.test", { product: "strict", options: {} });
  const page = await browser.page();
  await open(page, order);
  await headline(page, "The setup of strict.test has stopped").waitFor(LONG);
  await page.getByText("A case has been opened for it: there is no need to write to us.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
  await browser.show(page, "customer-failed-told");
  await until("the ticket has gone out", () => hook.requests.length > 0);
  world.lab.do("panel", "web1", "fail=");
  await world.api.post(`/services/${order.id}/retry`);
  await headline(page, "strict.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  await world.api.patch("/settings", { "ticket.enabled": null, "ticket.channel": null, "notify.webhook_url": null, "notify.webhook_secret": null });
  hook.close();
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("what the world sees of the domain, and what its certificate waits for, is shown as it changes", async () => {
  const resolver = new Resolver(join(world.directory, "resolver"), await freePort());
  const server = world.lab.node("ns1").address;
  const site = world.lab.node("web1").address;
  try {
    await resolver.start([], server);
    await world.api.patch("/settings", { "world.resolvers": `127.0.0.1:${resolver.port}`, "world.first": "1 s", "world.cap": "2 s" });
    const page = await browser.page();
    await open(page, await world.order("seen.test"));
    await headline(page, "seen.test is ready").waitFor(LONG);
    await page.getByText("not seen yet").waitFor(LONG);
    await page.getByText("set the name servers that are shown under Domain").waitFor();
    const ssl = page.locator(".pending li", { hasText: "Certificate for secure connections" });
    await ssl.getByText(`as soon as seen.test leads to ${site} from everywhere`).waitFor();
    await ssl.getByText("Nothing is found there yet.").waitFor();
    await ssl.getByText("Next look").waitFor();
    const [looked, next] = await Promise.all((await ssl.locator("time").all()).map(async (time) => Date.parse(await time.getAttribute("datetime"))));
    assert.ok(next > looked, `looked at ${looked}, next look at ${next}`);
    await browser.show(page, "customer-unseen");
    await resolver.stop();
    await resolver.start(["seen.test"], server);
    await page.getByText("seen everywhere").first().waitFor(LONG);
    await page.getByText("Your domain uses these name servers. Nothing is left to do.").waitFor();
    await ssl.getByText("nothing stands in its way any more").waitFor();
    assert.doesNotMatch(await ssl.innerText(), /as soon as|Next look/, "it waits for nothing that has come");
    await browser.show(page, "customer-seen");
    await checkSameWindow(page);
    browser.checkQuiet(page, world.daemon.base);
    await page.context().close();
  } finally {
    await resolver.stop();
    await world.api.patch("/settings", { "world.resolvers": null, "world.first": null, "world.cap": null });
  }
});

world.test("what has stopped says why; when it is tried again, the page goes on", async () => {
  world.lab.do("panel", "web1", "fail=v-add-web-domain:10");
  const order = await world.order("sorry.test");
  const page = await browser.page();
  await open(page, order);
  await headline(page, "The setup of sorry.test has stopped").waitFor(LONG);
  await page.locator(".steps li.problem").waitFor();
  await page.locator(".note.bad", { hasText: "It does not go on by itself" }).waitFor();
  await browser.show(page, "customer-failed");
  world.lab.do("panel", "web1", "fail=");
  await page.getByRole("button", { name: "Try again" }).click();
  await headline(page, "sorry.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("a service that is deployed again keeps its panel, also when that is cancelled", async () => {
  const order = await world.order("again.test");
  const page = await browser.page();
  await open(page, order);
  await headline(page, "again.test is ready").waitFor(LONG);
  const checkPanel = async () => {
    const text = await page.locator("main").innerText();
    for (const word of ["http://again.test", "info@again.test", "mail1.lab.test", "ns1.lab.test"]) assert.ok(text.includes(word), `${word} is missing`);
    assert.equal(await page.evaluate(() => globalThis.mark), "the same window", "the page was loaded again");
  };
  world.lab.do("sshd", "ns2", "stop"); // it cannot be over before it has been looked at
  world.lab.do("cut", "ns2");
  await world.daemon.said(/event=node\.down node=ns2/);
  await world.api.post(`/services/${order.id}/operations`, { kind: "redeploy" });
  await page.locator(".again .note", { hasText: "We are working on your account." }).waitFor(LONG);
  await page.locator(".again progress").waitFor();
  await page.locator(".again .doing").waitFor();
  await checkPanel();
  await browser.show(page, "customer-again");
  await page.getByRole("button", { name: "Show the passwords" }).click();
  await page.locator(".secret").first().waitFor();

  await world.api.post(`/services/${order.id}/cancel`);
  await page.locator(".again").waitFor({ state: "detached", ...LONG });
  await headline(page, "Your account for again.test").waitFor();
  await checkPanel();
  assert.doesNotMatch(await page.locator("main").innerText(), /stopped|wrong|Try again/, "nothing is the matter");
  await page.getByText("What has been done").click();
  assert.equal(await page.locator(".steps li:is(.working, .waiting, .problem)").count(), 0, "nothing runs any more");
  await browser.show(page, "customer-again-cancelled");

  world.lab.do("sshd", "ns2", "start");
  await world.api.post(`/services/${order.id}/operations`, { kind: "redeploy" });
  await headline(page, "again.test is ready").waitFor(LONG);
  await checkPanel();
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("a first deployment that is cancelled has stopped, and nothing of it can be tried again", async () => {
  world.panel("pace=fixed 1000");
  const order = await world.order("cancelled.test");
  const page = await browser.page();
  await open(page, order);
  await page.locator(".steps li.done").first().waitFor(LONG);
  await world.api.post(`/services/${order.id}/cancel`);
  world.panel("pace=none");
  await headline(page, "The setup of cancelled.test has stopped").waitFor(LONG);
  await page.locator(".note.bad", { hasText: "was stopped by our team" }).waitFor();
  assert.equal(await page.locator(".steps li:is(.working, .waiting)").count(), 0, "nothing runs any more");
  assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0);
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("berthd is killed and comes back while the page is open", async () => {
  world.panel("pace=fixed 250");
  const order = await world.order("steady.test");
  const page = await browser.page();
  await open(page, order);
  await page.locator(".steps li.done").first().waitFor(LONG);
  await world.daemon.kill();
  await page.getByText("The connection is interrupted").last().waitFor();
  await browser.show(page, "customer-interrupted");
  await world.start();
  world.panel("pace=none");
  await page.locator(".connection").waitFor({ state: "detached" });
  await headline(page, "steady.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  browser.checkQuiet(page, world.daemon.base, /Failed to load resource|net::ERR/);
  await page.context().close();
});

world.test("where streams do not come through, the page asks", async () => {
  world.panel("pace=fixed 400");
  const order = await world.order("asking.test");
  const page = await browser.page();
  await page.route("**/events?*", (route) => route.abort());
  await open(page, order);
  await page.locator(".steps li.done").nth(2).waitFor(LONG);
  assert.match(await page.locator(".now .left").innerText(), / left$|^Almost there$|longer than usual$/);
  world.panel("pace=none");
  await headline(page, "asking.test is ready").waitFor(LONG);
  await checkSameWindow(page);
  assert.ok(page.asked.some((url) => url.endsWith("/state")), "nothing else can have told it");
  await page.context().close();
});

world.test("without scripts the page loads itself again until the account is ready", async () => {
  world.panel("pace=fixed 100");
  const order = await world.order("plain.test");
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(addressOf(order));
  await page.locator("progress").waitFor();
  await page.screenshot({ path: browser.path("customer-plain-splash") });
  world.panel("pace=none");
  await page.getByRole("heading", { name: "plain.test is ready" }).waitFor(LONG);
  for (const word of ["info@plain.test", "mail1.lab.test", "ns1.lab.test"]) await page.getByText(word).first().waitFor();
  await page.screenshot({ path: browser.path("customer-plain-ready"), fullPage: true });
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("the passwords are shown once, and new ones come on request", async () => {
  const order = await world.order("secret.test");
  await world.status(order.id);
  const page = await browser.page();
  await open(page, order);
  await page.getByRole("button", { name: "Show the passwords" }).click();
  await page.locator(".secret").first().waitFor();
  const old = await page.locator(".secret").allInnerTexts();
  assert.ok(old.includes(world.secret(order.id, "mailbox-password")), "the mailbox's is among them");
  await browser.show(page, "customer-passwords");
  await page.getByRole("button", { name: "Hide them" }).click();
  assert.equal(await page.locator(".secret").count(), 0);
  await page.reload();
  await page.getByText("are shown once only").waitFor();

  await page.getByRole("button", { name: "Ask for new passwords" }).click();
  await browser.show(page, "customer-passwords-sure");
  await page.getByRole("button", { name: "Set new passwords" }).click();
  await page.getByRole("button", { name: "Show the passwords" }).click(LONG);
  await page.locator(".secret").first().waitFor();
  const fresh = await page.locator(".secret").allInnerTexts();
  assert.ok(fresh.length === old.length && fresh.every((each) => !old.includes(each)), "all of them are new");
  browser.checkQuiet(page, world.daemon.base);
  await page.context().close();
});

world.test("a link that was revoked ends the page that is open", async () => {
  const order = await world.order("revoked.test");
  await world.status(order.id);
  const page = await browser.page();
  await open(page, order);
  await headline(page, "revoked.test is ready").waitFor(LONG);
  await world.api.post(`/services/${order.id}/link`);
  await headline(page, "There is nothing more to see here").waitFor();
  await browser.show(page, "customer-ended");
  const { pathname } = new URL(order.customer_url);
  for (const address of [pathname, pathname.slice(0, -4)]) {
    const answer = await page.goto(world.daemon.base + address);
    assert.equal(answer.status(), address === pathname ? 410 : 404);
    await browser.show(page, `customer-link-${answer.status()}`);
  }
  browser.checkQuiet(page, world.daemon.base, /status of (404|410)/);
  await page.context().close();
});
