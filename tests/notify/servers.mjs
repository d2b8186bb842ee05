// servers.mjs - what tickets are sent to, small and with bad manners on demand: a WHMCS that keeps tickets and notes, a receiver
// of webhooks, a mail server with TLS.

import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer as createTcp } from "node:net";
import { TLSSocket, createSecureContext } from "node:tls";

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

/** manners(): "" | "dies-after" | "dies-before" | "slow" | a number (HTTP status) - asked for each request, with what it is. */
class HttpServer {
  constructor() {
    this.manners = () => "";
    this.requests = [];
    this.server = createHttp((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => this.take(request, response, Buffer.concat(parts).toString()));
    });
  }

  async open() {
    this.port = await listen(this.server);
    return this;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  take(request, response, body) {
    const entry = { path: request.url, headers: request.headers, body };
    const manners = this.manners(this.describe(entry));
    this.requests.push(entry);
    if (manners === "dies-before") return void request.socket.destroy();
    if (typeof manners === "number") {
      response.writeHead(manners, { "retry-after": "77" });
      return void response.end("not now");
    }
    const answer = this.answer(entry);
    if (manners === "dies-after") return void request.socket.destroy();
    const send = () => {
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
      response.end(answer.text);
    };
    if (manners === "slow") setTimeout(send, 1500).unref();
    else send();
  }
}

export class Whmcs extends HttpServer {
  identifier = "ident";
  secret = "whmcs-secret-777";
  tickets = [];
  refusal = null; // {action: message}

  describe({ body }) {
    return new URLSearchParams(body).get("action");
  }

  calls() {
    return this.requests.map(({ body }) => new URLSearchParams(body).get("action")).join(" ");
  }

  answer({ path, body }) {
    const fields = Object.fromEntries(new URLSearchParams(body));
    const json = (object, status = 200) => ({ status, text: JSON.stringify(object) });
    if (path !== "/includes/api.php") return { status: 404, text: "<html>no</html>" };
    if (fields.identifier !== this.identifier || fields.secret !== this.secret)
      return json({ result: "error", message: `Authentication Failed for ${fields.secret}` }, 403);
    if (this.refusal?.[fields.action]) return json({ result: "error", message: this.refusal[fields.action] });
    return json({ result: "success", ...this[fields.action](fields) });
  }

  // As the real one: subjects are compared loosely, and an empty list has no inner array.
  GetTickets({ subject }) {
    const found = this.tickets.filter((ticket) => ticket.subject.includes(subject));
    const list = found.map(({ id, tid, subject: text, status }) => ({ id, ticketid: id, tid, subject: text, status }));
    return { totalresults: list.length, startnumber: 0, numreturned: list.length, tickets: list.length ? { ticket: list } : "" };
  }

  OpenTicket(fields) {
    const id = String(100 + this.tickets.length);
    this.tickets.push({ id, tid: `ABC-${id}`, status: "Open", notes: [], ...fields });
    return { id, tid: `ABC-${id}`, c: "x" };
  }

  ticket(id) {
    return this.tickets.find((ticket) => ticket.id === id);
  }

  GetTicketNotes({ ticketid }) {
    const notes = this.ticket(ticketid).notes;
    return { totalresults: notes.length, notes: notes.length ? { note: notes.map((message, i) => ({ id: i, message })) } : "" };
  }

  AddTicketNote({ ticketid, message }) {
    this.ticket(ticketid).notes.push(message);
    return {};
  }

  UpdateTicket({ ticketid, status }) {
    this.ticket(ticketid).status = status;
    return {};
  }
}

export class Webhook extends HttpServer {
  describe() {
    return "webhook";
  }

  answer() {
    return { text: "{}" };
  }
}

/** A mail server: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA. Keeps letters; refuses what it is told to. */
export class MailServer {
  letters = [];
  logins = [];
  plain = 0; // MAIL commands that came without TLS
  refuse = {}; // verb -> reply
  diesAfterData = 0; // so many times: keeps the letter and hangs up

  constructor({ key, cert, implicit = false, offersTls = true }) {
    Object.assign(this, { key, cert, implicit, offersTls });
    this.sockets = new Set();
    this.server = createTcp((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      if (this.implicit) this.talk(this.secure(socket), true);
      else this.talk(socket, false);
    });
  }

  secure(socket) {
    const tls = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key: this.key, cert: this.cert }) });
    tls.on("error", () => {});
    return tls;
  }

  async open() {
    this.port = await listen(this.server);
    return this;
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  talk(socket, isSecure, greets = true) {
    const say = (line) => socket.write(`${line}\r\n`);
    let rest = "";
    let letter = null;
    let isAsked = false; // for the password
    if (greets) say("220 mail.test");
    socket.setEncoding("utf8").on("data", (data) => {
      rest += data;
      for (let at; (at = rest.indexOf("\r\n")) >= 0; ) {
        const line = rest.slice(0, at);
        rest = rest.slice(at + 2);
        if (letter !== null) {
          if (line !== ".") {
            letter.push(line.startsWith(".") ? line.slice(1) : line);
            continue;
          }
          this.letters.push(letter.join("\n"));
          letter = null;
          if (this.diesAfterData-- > 0) return void socket.destroy();
          say("250 kept");
          continue;
        }
        if (isAsked) {
          isAsked = false;
          this.logins.push(Buffer.from(line, "base64").toString().split("\0").slice(1).join(":"));
          say("235 in");
          continue;
        }
        const verb = line.split(" ")[0].toUpperCase();
        if (this.refuse[verb]) {
          say(this.refuse[verb]);
        } else if (verb === "EHLO") {
          const offers = [...(this.offersTls && !isSecure ? ["STARTTLS"] : []), "AUTH PLAIN"];
          say(`250-mail.test`);
          offers.forEach((offer, i) => say(`250${i === offers.length - 1 ? " " : "-"}${offer}`));
        } else if (verb === "STARTTLS") {
          say("220 go on");
          socket.removeAllListeners("data");
          return this.talk(this.secure(socket), true, false);
        } else if (verb === "AUTH" && line.split(" ").length === 2) {
          isAsked = true;
          say("334 ");
        } else if (verb === "DATA") {
          letter = [];
          say("354 go on");
        } else {
          if (verb === "MAIL" && !isSecure) this.plain++;
          say(verb === "QUIT" ? "221 bye" : "250 ok");
        }
      }
    });
  }
}
