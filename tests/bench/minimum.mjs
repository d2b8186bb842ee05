// minimum.mjs - the fewest commands that a fresh Split service costs, as docs/drivers.md lists them, and the times that follow from
// them. The document is read, so that the bench and what people are told cannot differ.

import { readFileSync } from "node:fs";

const text = readFileSync(new URL("../../docs/drivers.md", import.meta.url), "utf8");

/** Changing commands of each step, e.g. {"web.package": 1, ..., "web.reload": 3}. */
export const changes = Object.fromEntries([...text.matchAll(/^\| (\w+\.\w+)(?:,[^|]*)? \|.*\| (\d+) \| [\d.-]+ \|$/gm)].map(([, step, count]) => [step, Number(count)]));

const steps = {
  web: ["web.package", "web.user", "web.domain", "web.settings", "web.reload"],
  mail: ["mail.package", "mail.user", "mail.domain", "mail.dkim", "mail.account"],
  dns: ["dns.package", "dns.user", "dns.zone"],
};
for (const step of Object.values(steps).flat()) if (changes[step] === undefined) throw new Error(`docs/drivers.md does not say what ${step} costs`);

function count(names) {
  return names.reduce((sum, name) => sum + changes[name], 0);
}

/** Changing commands of one service on the nodes of a role. */
export const perNode = Object.fromEntries(Object.entries(steps).map(([role, names]) => [role, count(names)]));

/** In all, with two name servers. */
export const total = perNode.web + perNode.mail + 2 * perNode.dns;

/** The longest path of one service: {ms} is how long it takes from the order to live when each changing command lasts commandMs
 * and the looks from outside last verifyMs ({web, mail, dns}). */
export function criticalPathMs(commandMs, verifyMs) {
  const key = count(["mail.package", "mail.user", "mail.domain", "mail.dkim"]);
  const zone = Math.max(key, count(["dns.package", "dns.user"])) + changes["dns.zone"];
  return Math.max(perNode.web * commandMs + verifyMs.web, perNode.mail * commandMs + verifyMs.mail, zone * commandMs + verifyMs.dns);
}

/** The least time for `services` at once on one web node, one mail node and name servers that each take one changing command at a
 * time. One reload serves all. What is looked at from outside after the last command on a node comes on top. */
export function burstMs(services, commandMs, verifyMs) {
  const web = services * (perNode.web - changes["web.reload"]) + changes["web.reload"];
  return Math.max(
    web * commandMs + verifyMs.web,
    services * perNode.mail * commandMs + verifyMs.mail,
    services * perNode.dns * commandMs + verifyMs.dns,
  );
}
