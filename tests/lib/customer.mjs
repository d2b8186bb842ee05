// customer.mjs - looks at a service the way its owner and the world would: a browser, a resolver, a mail program.

import { execFileSync } from "node:child_process";
import http from "node:http";
import { imap } from "../lab/nodes.mjs";

/** A request to the server at this address for a path of a site, by its name: {status, text}. */
export function visit(address, name, path = "/") {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: address, port: 80, path, headers: { host: name }, agent: false, timeout: 5000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (data) => (text += data));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("timeout", () => request.destroy(new Error(`${address} does not answer for ${name}`)));
    request.on("error", reject);
  });
}

/** Answers of one name server, sorted; texts in one piece. */
export function ask(server, name, type) {
  const answer = execFileSync("dig", ["+short", "+time=2", "+tries=2", `@${server}`, name, type], { encoding: "utf8" });
  return answer
    .split("\n")
    .filter((line) => line)
    .map((line) => (type === "TXT" ? line.slice(1, -1).replaceAll('" "', "") : line))
    .sort();
}

export function serial(server, domain) {
  return ask(server, domain, "SOA")[0]?.split(" ")[2];
}

/** Does the server answer for this zone at all? */
export function serves(server, domain) {
  return ask(server, domain, "SOA").length > 0;
}

/** The public key of a DKIM record: base64. */
export function dkimKey(server, domain) {
  return /p=([A-Za-z0-9+/=]+)/.exec(ask(server, `mail._domainkey.${domain}`, "TXT")[0] ?? "")?.[1];
}

/** Log in over STARTTLS and open the mailbox; throws with the server's words when that is refused. */
export async function openMailbox(address, mailbox, password) {
  const answer = await imap(address, mailbox, password, "SELECT INBOX");
  if (!/^l OK/m.test(answer) || !/^c OK/m.test(answer)) throw new Error(`${mailbox} at ${address}: ${answer}`);
}
