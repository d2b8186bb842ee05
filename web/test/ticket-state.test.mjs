// Closed looks good only when everything has left: nobody was told by a message that stands in the outbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { ticketState } = await load("admin/pages/ticket-state.ts");
const ticket = (state, ...messages) => ({ state, messages: messages.map((each) => ({ state: each })) });

test("a closed ticket says when not everything of it has left", () => {
  assert.equal(ticketState(ticket("closed", "sent", "sent")), "closed");
  assert.equal(ticketState(ticket("closed", "sent", "queued")), "closed-unsent");
  assert.equal(ticketState(ticket("closed", "failed", "queued")), "closed-untold");
  assert.equal(ticketState(ticket("open", "failed")), "open");
});
