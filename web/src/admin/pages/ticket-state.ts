// ticket-state.ts - how a ticket is, for people: closed says nothing good while what it had to tell has not left. Pure.

import type { Ticket } from "../../lib/types";

export type TicketLook = Ticket["state"] | "closed-unsent" | "closed-untold";

export function ticketState(ticket: Pick<Ticket, "state"> & { messages: readonly { state: string }[] }): TicketLook {
  const sent = ticket.messages.filter((message) => message.state === "sent").length;
  if (ticket.state !== "closed" || sent === ticket.messages.length) return ticket.state;
  return sent === 0 ? "closed-untold" : "closed-unsent";
}
