// channels.test.mjs - WHMCS, mail and webhooks through the real notifier against servers that answer, answer slowly, die after
// they have accepted, or refuse: no ticket and no note twice where the channel can tell, TLS that is demanded, no secret in what
// is reported.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MailServer, Webhook, Whmcs } from "./servers.mjs";

const marker = "berth-ab12cd-s0000000017-o0000000003";
const threadKey = `${marker}-first000`;
const failure = {
  task: "9",
  key: "web.domain",
  step: "web.domain",
  node: "web1",
  cause_id: "panel.exists",
  cause: "The name is taken.",
  detail: "Error: DOMAIN example.com exists",
  remedy: "Look at the owner; then retry the task.",
  attempts: 3,
  log: ["exit 4 (12 ms)", ".refused: gr\u00fc\u00df = x", "end "],
};
let folder, key, cert;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-notify-"));
  const made = spawnSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
    "-addext", "subjectAltName=DNS:localhost", "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem"),
  ]);
  assert.equal(made.status, 0, String(made.stderr));
  key = readFileSync(join(folder, "key.pem"));
  cert = readFileSync(join(folder, "cert.pem"));
});
after(() => rmSync(folder, { recursive: true }));

let number = 0;
function notice(channel, kind, more = {}) {
  const messageKey = kind === "open" ? threadKey : `${marker}-${++number}`;
  const body = {
    id: messageKey,
    kind,
    ticket: marker,
    at: "2026-11-23T12:00:00Z",
    service: { id: "17", domain: "example.com", external_id: "501", client_id: "7" },
    operation: { id: "3" },
    link: "https://berth.example.net/api/v1/services/17",
    ...(kind !== "recovered" && { failure }),
  };
  return {
    id: 1,
    channel,
    kind,
    key: messageKey,
    thread_key: threadKey,
    marker,
    remote_id: "",
    subject: "Berth: example.com needs a person",
    body: JSON.stringify(body),
    ...more,
  };
}

/** Give the notices to the notifier, one after the other; what became of each. */
async function send(settings, notices, more = {}) {
  const child = spawn(process.env.NOTIFY_SEND, [], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (data) => (text += data));
  child.stdin.end(JSON.stringify({ settings, notices, timeout_ms: 700, ...more }));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

async function using(server, work) {
  await server.open();
  try {
    await work(server);
  } finally {
    server.close();
  }
}

/* ---- WHMCS ------------------------------------------------------------------------------------------------------------ */

const toWhmcs = (whmcs, more = {}) => ({
  "notify.whmcs_url": `http://127.0.0.1:${whmcs.port}`,
  "notify.whmcs_identifier": whmcs.identifier,
  "notify.whmcs_secret": "whmcs-secret-777",
  "ticket.department": "4",
  "ticket.priority": "High",
  ...more,
});

test("WHMCS: a failure opens a ticket for staff, the next one is a note, recovery another", () =>
  using(new Whmcs(), async (whmcs) => {
    const results = await send(toWhmcs(whmcs), [notice("whmcs", "open"), notice("whmcs", "note"), notice("whmcs", "recovered")]);
    for (const result of results) {
      assert.equal(result.outcome, "sent", result.detail);
      assert.equal(result.remote_id, "100");
      assert.equal(result.remote_number, "ABC-100");
    }
    assert.equal(whmcs.tickets.length, 1);
    const [ticket] = whmcs.tickets;
    assert.equal(ticket.deptid, "4");
    assert.equal(ticket.priority, "High");
    assert.equal(ticket.clientid, undefined); // the customer must not read it
    assert.equal(ticket.noemail, "true");
    assert.equal(ticket.subject, `Berth: example.com needs a person [${marker}]`);
    for (const part of ["example.com", "web.domain", "web1", "The name is taken.", "DOMAIN example.com exists", "Look at the owner",
      "Attempts:  3", "grüß", "https://berth.example.net/api/v1/services/17", "external id 501"])
      assert.ok(ticket.message.includes(part), `${part} is missing in\n${ticket.message}`);
    assert.equal(ticket.notes.length, 2);
    assert.match(ticket.notes[0], /Again a step of example\.com has failed/);
    assert.match(ticket.notes[1], /Recovered: example\.com is live/);
  }));

for (const manners of ["dies-after", "slow"])
  test(`WHMCS that ${manners === "slow" ? "answers too slowly" : "dies after accepting"} gets no second ticket and no second note`, () =>
    using(new Whmcs(), async (whmcs) => {
      for (const [kind, action] of [["open", "OpenTicket"], ["note", "AddTicketNote"], ["recovered", "AddTicketNote"]]) {
        let times = 1;
        whmcs.manners = (called) => (called === action && times-- > 0 ? manners : "");
        const same = notice("whmcs", kind);
        const [first, second, third] = await send(toWhmcs(whmcs), [same, same, same]);
        assert.equal(first.outcome, "retry");
        assert.equal(second.outcome, "sent", second.detail);
        assert.equal(third.outcome, "sent", third.detail);
        assert.equal(second.remote_id, "100");
      }
      assert.equal(whmcs.tickets.length, 1);
      assert.equal(whmcs.tickets[0].notes.length, 2);
    }));

test("WHMCS: another operation's ticket is not taken for ours, a closed one of ours is, and a further failure opens it again", () =>
  using(new Whmcs(), async (whmcs) => {
    whmcs.OpenTicket({ subject: `Berth: example.com needs a person [${marker}1]`, message: "" });
    whmcs.OpenTicket({ subject: `somebody quotes ${marker} here`, message: "" });
    await send(toWhmcs(whmcs), [notice("whmcs", "open")]);
    assert.equal(whmcs.tickets.length, 3);
    whmcs.tickets[2].status = "Closed";
    await send(toWhmcs(whmcs), [notice("whmcs", "recovered")]);
    assert.equal(whmcs.tickets[2].status, "Closed");
    const [result] = await send(toWhmcs(whmcs), [notice("whmcs", "note")]);
    assert.equal(result.remote_id, "102");
    assert.equal(whmcs.tickets[2].status, "Open");
    assert.equal(whmcs.tickets[2].notes.length, 2);
    assert.equal(whmcs.tickets.length, 3);
  }));

test("WHMCS: what heals is tried again, what does not is refused, and nothing of it shows the secret", () =>
  using(new Whmcs(), async (whmcs) => {
    whmcs.secret = "another";
    let [result] = await send(toWhmcs(whmcs), [notice("whmcs", "open")]);
    assert.equal(result.outcome, "retry");
    assert.match(result.detail, /Authentication Failed for \*+$/);
    whmcs.secret = "whmcs-secret-777";
    whmcs.refusal = { OpenTicket: "Department ID not found" };
    [result] = await send(toWhmcs(whmcs), [notice("whmcs", "open")]);
    assert.equal(result.outcome, "refused");
    assert.match(result.detail, /Department ID not found/);
    whmcs.refusal = null;
    whmcs.manners = () => 503;
    [result] = await send(toWhmcs(whmcs), [notice("whmcs", "open")]);
    assert.equal(result.outcome, "retry");
    assert.equal(result.retry_after_ms, 77000);
    [result] = await send(toWhmcs(whmcs, { "notify.whmcs_secret": "" }), [notice("whmcs", "open")]);
    assert.equal(result.outcome, "refused");
    [result] = await send({ ...toWhmcs(whmcs), "notify.whmcs_url": `http://localhost:${whmcs.port}` }, [notice("whmcs", "open")]);
    assert.equal(result.outcome, "refused"); // without TLS only to this machine
    assert.equal(whmcs.tickets.length, 0);
    for (const { path } of whmcs.requests) assert.equal(path, "/includes/api.php");
  }));

test("WHMCS that is not there is tried again", async () => {
  const [result] = await send(toWhmcs({ port: 1, identifier: "i" }), [notice("whmcs", "open")]);
  assert.equal(result.outcome, "retry");
  assert.match(result.detail, /refused|connect/i);
});

/* ---- webhooks ----------------------------------------------------------------------------------------------------------- */

const toWebhook = (webhook) => ({
  "notify.webhook_url": `http://127.0.0.1:${webhook.port}/hook`,
  "notify.webhook_secret": "hook-secret",
});

test("a webhook is signed, and says the same key and body again after its receiver died", () =>
  using(new Webhook(), async (webhook) => {
    let times = 1;
    webhook.manners = () => (times-- > 0 ? "dies-after" : "");
    const open = notice("webhook", "open");
    const results = await send(toWebhook(webhook), [open, open, notice("webhook", "recovered")]);
    assert.deepEqual(results.map(({ outcome }) => outcome), ["retry", "sent", "sent"]);
    assert.equal(webhook.requests.length, 3);
    for (const { headers, body, path } of webhook.requests) {
      assert.equal(path, "/hook");
      assert.equal(headers["content-type"], "application/json");
      assert.ok(Math.abs(Number(headers["berth-timestamp"]) - Date.now() / 1000) < 60);
      const mac = createHmac("sha256", "hook-secret").update(`${headers["berth-timestamp"]}.${body}`).digest("hex");
      assert.equal(headers["berth-signature"], `v1=${mac}`);
      assert.equal(JSON.parse(body).id, headers["idempotency-key"]);
    }
    const keys = webhook.requests.map(({ headers }) => headers["idempotency-key"]);
    assert.equal(keys[0], keys[1]);
    assert.notEqual(keys[1], keys[2]);
    assert.equal(webhook.requests[0].body, webhook.requests[1].body);
    assert.deepEqual(JSON.parse(webhook.requests[0].body).failure.log, failure.log);
  }));

test("a webhook's receiver that refuses is judged by its status", () =>
  using(new Webhook(), async (webhook) => {
    const cases = { 400: "refused", 404: "refused", 410: "refused", 401: "retry", 409: "retry", 429: "retry", 500: "retry", 503: "retry", 302: "retry" };
    for (const [status, outcome] of Object.entries(cases)) {
      webhook.manners = () => Number(status);
      const [result] = await send(toWebhook(webhook), [notice("webhook", "open")]);
      assert.equal(result.outcome, outcome, `${status}: ${result.detail}`);
    }
  }));

/* ---- mail ------------------------------------------------------------------------------------------------------------------ */

const toMail = (url, more = {}) => ({
  "notify.smtp_url": url,
  "notify.smtp_user": "berth",
  "notify.smtp_password": "mail-password-42",
  "notify.mail_from": "berth@example.net",
  "notify.mail_to": "staff@example.net",
  ...more,
});
const trusted = () => ({ ca_file: join(folder, "cert.pem"), timeout_ms: 3000 });
const header = (letter, name) => new RegExp(`^${name}: (.*)$`, "m").exec(letter)?.[1];
const words = (letter) =>
  Buffer.from(
    letter.slice(letter.indexOf("\n\n") + 2).replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))),
    "latin1",
  ).toString();

for (const implicit of [false, true])
  test(`mail goes with ${implicit ? "TLS from the first byte" : "STARTTLS"}, in one thread`, () =>
    using(new MailServer({ key, cert, implicit }), async (mail) => {
      const settings = toMail(`smtp${implicit ? "s" : ""}://localhost:${mail.port}`);
      const results = await send(settings, [notice("mail", "open"), notice("mail", "note"), notice("mail", "recovered")], trusted());
      for (const { outcome, detail } of results) assert.equal(outcome, "sent", detail);
      assert.equal(mail.plain, 0);
      assert.deepEqual(mail.logins, Array(3).fill("berth:mail-password-42"));
      const [open, note, recovered] = mail.letters;
      assert.equal(header(open, "Message-ID"), `<${threadKey}@example.net>`);
      assert.equal(header(open, "In-Reply-To"), undefined);
      assert.equal(header(open, "To"), "staff@example.net");
      assert.equal(header(open, "Subject"), `Berth: example.com needs a person [${marker}]`);
      for (const letter of [note, recovered]) {
        assert.equal(header(letter, "In-Reply-To"), `<${threadKey}@example.net>`);
        assert.equal(header(letter, "References"), `<${threadKey}@example.net>`);
        assert.equal(header(letter, "Subject"), `Re: Berth: example.com needs a person [${marker}]`);
      }
      assert.notEqual(header(note, "Message-ID"), header(recovered, "Message-ID"));
      for (const part of ["web.domain", "The name is taken.", "    .refused: grüß = x", "    end "])
        assert.ok(words(open).includes(part), `${part} is missing in\n${words(open)}`);
      for (const line of open.split("\n")) assert.ok(line.length <= 200 && /^[\x20-\x7e]*$/.test(line), line);
      assert.match(words(recovered), /Recovered: example\.com is live/);
    }));

test("a mail that has to be repeated carries the same Message-ID", () =>
  using(new MailServer({ key, cert }), async (mail) => {
    mail.diesAfterData = 1;
    const same = notice("mail", "open");
    const results = await send(toMail(`smtp://localhost:${mail.port}`), [same, same], trusted());
    assert.deepEqual(results.map(({ outcome }) => outcome), ["retry", "sent"]);
    assert.equal(mail.letters.length, 2); // mail cannot tell, but whoever reads it can
    assert.equal(header(mail.letters[0], "Message-ID"), header(mail.letters[1], "Message-ID"));
  }));

test("no mail leaves without TLS, nor to a server whose certificate is not trusted", async () => {
  await using(new MailServer({ key, cert, offersTls: false }), async (mail) => {
    const [result] = await send(toMail(`smtp://localhost:${mail.port}`), [notice("mail", "open")], trusted());
    assert.equal(result.outcome, "retry");
    assert.equal(mail.letters.length + mail.logins.length + mail.plain, 0);
  });
  for (const implicit of [false, true])
    await using(new MailServer({ key, cert, implicit }), async (mail) => {
      const [result] = await send(toMail(`smtp${implicit ? "s" : ""}://localhost:${mail.port}`), [notice("mail", "open")], { timeout_ms: 3000 });
      assert.equal(result.outcome, "retry");
      assert.match(result.detail, /certificate/i);
      assert.equal(mail.letters.length + mail.logins.length, 0);
    });
});

test("a mail server on this machine needs no TLS", () =>
  using(new MailServer({ key, cert, offersTls: false }), async (mail) => {
    const settings = toMail(`smtp://127.0.0.1:${mail.port}`, { "notify.smtp_user": "", "notify.smtp_password": "" });
    const [result] = await send(settings, [notice("mail", "open")]);
    assert.equal(result.outcome, "sent", result.detail);
    assert.equal(mail.letters.length, 1);
    assert.equal(mail.logins.length, 0);
  }));

test("what a mail server refuses is judged by its reply", async () => {
  const cases = [
    ["RCPT", "550 no such user", "refused"],
    ["RCPT", "451 greylisted", "retry"],
    ["MAIL", "553 sender not allowed", "refused"],
    ["AUTH", "535 wrong password mail-password-42", "retry"],
    ["DATA", "554 looks like spam", "refused"],
    ["EHLO", "421 too busy", "retry"],
  ];
  for (const [verb, reply, outcome] of cases)
    await using(new MailServer({ key, cert }), async (mail) => {
      mail.refuse = { [verb]: reply };
      const [result] = await send(toMail(`smtp://localhost:${mail.port}`), [notice("mail", "open")], trusted());
      assert.equal(result.outcome, outcome, `${verb} ${reply}: ${result.detail}`);
      assert.ok(!result.detail.includes("mail-password-42"), result.detail);
      assert.equal(mail.letters.length, 0);
    });
});
