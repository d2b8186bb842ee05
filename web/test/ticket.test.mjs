// What is copied for a ticket: every part that has something to say, and the last lines of the log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { lastLines, ticketText } = await load("admin/service/ticket-text.ts");

const words = { service: "Service", step: "Task", node: "Server", state: "State", cause: "Cause", reason: "Reason", attempts: "Attempts", log: "Log", link: "Link" };
const service = { id: "7", domain_unicode: "münchen.example" };
const task = { key: "mail.domain", cause: "panel.refused", reason: "the panel refused it", attempt_list: [{}, {}] };

test("the last lines, whole ones, as a terminal would show them", () => {
  assert.deepEqual(lastLines(["one\ntw", "o\n\u001b[31mthree\u001b[0m\n"], 2), ["two", "three"]);
  assert.deepEqual(lastLines([]), []);
  assert.equal(lastLines([Array.from({ length: 50 }, (_, i) => `line ${i}`).join("\n")]).length, 20);
});

test("what is empty is left out, nothing is said twice", () => {
  const text = ticketText(words, service, task, { cause: "", detail: "the panel refused it" }, "Failed", "mail1", ["exit 3"], "https://berth.example/admin/services/7/tasks/9");
  assert.equal(text, ["Service: münchen.example (7)", "Task: mail.domain", "Server: mail1", "State: Failed", "Cause: panel.refused", "Reason: the panel refused it", "Attempts: 2", "Link: https://berth.example/admin/services/7/tasks/9", "", "Log:", "  exit 3", ""].join("\n"));
  assert.ok(!ticketText(words, service, { ...task, cause: "", reason: "" }, undefined, "Queued", "mail1", [], "x").includes("Cause"));
});
