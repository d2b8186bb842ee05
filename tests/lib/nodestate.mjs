// nodestate.mjs - what a service has become on its nodes, as one text that two services can be compared by: every file and
// folder that carries its names (mode, owner, content), and every line about it in files that it shares with others. Names
// are replaced by words (USER, DOMAIN, PACKAGE), so that two orders with different domains give the same text. Names are
// looked for as words: a test's domains should be no words of a language, or comments in shared files are taken for lines
// about the service.
//
// What must differ between two deployments of the same order, and is therefore replaced or left out:
//   keys         DKIM keys, in their files and in the zone
//   salts        hashes of passwords (MD5='...', mail passwd), recovery keys (RKEY)
//   moments      TIME, DATE, EXP, SERIAL, the zone's serial
//   counters     U_*: the panel's own counters drift (its contract says so), nobody decides by them
//   numbers      uid and gid
//   bookkeeping  logs of the panel, dovecot's indexes (made by a login, not by the panel), caches

import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const TREES = [
  "/etc/passwd",
  "/etc/group",
  "/etc/ssh/sshd_config",
  "/etc/nginx/conf.d",
  "/etc/apache2/conf.d",
  "/etc/php/8.2/fpm/pool.d",
  "/etc/exim4",
  "/etc/bind",
  "/home",
  "/srv/jail",
  "/usr/local/hestia/data",
];
const LEFT_OUT = [/\/(history|stats)\.log$/, /\/dovecot[^/]*$/, /\/\.cache\//, /\/lab\.(test|reverse)\.db$/, /\/queue\//];

/** The node's own root folder, seen from this machine. */
export function nodeRoot(lab, name) {
  return `/proc/${lab.node(name).pid}/root`;
}

function* walk(root, path) {
  let entry;
  try {
    entry = lstatSync(root + path);
  } catch {
    return;
  }
  yield { path, entry };
  if (entry.isDirectory()) for (const name of readdirSync(root + path).sort()) yield* walk(root, join(path, name));
}

function names(root, file) {
  const lines = readFileSync(root + file, "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => line.split(":")).map((parts) => [parts[2], parts[0]]));
}

function normaliser({ user, domain, packageName }) {
  const words = [
    [packageName, "PACKAGE"],
    [domain, "DOMAIN"],
    [user, "USER"],
  ];
  return (text) => {
    for (const [from, to] of words) text = text.replaceAll(new RegExp(`(?<![a-z0-9])${from.replaceAll(".", "\\.")}(?![a-z0-9])`, "g"), to);
    return text
      .replace(/-----BEGIN (.*?)-----[^-]*-----END .*?-----/g, "$1")
      .replace(/p=[A-Za-z0-9+/=]{20,}("\s*"[A-Za-z0-9+/=]+)*/g, "p=KEY")
      .replace(/\b(MD5|RKEY|TIME|DATE|EXP|SERIAL)='[^']*'/g, "$1=''")
      .replace(/^U_\w+='[^']*'$/gm, "")
      .replace(/\bU_\w+='[^']*'/g, "")
      .replace(/\{BLF-CRYPT\}[^:']*/g, "HASH")
      .replace(/^\s+\d{10}$/gm, "SERIAL");
  };
}

function modeOf(entry) {
  const kind = entry.isDirectory() ? "d" : entry.isSymbolicLink() ? "l" : "-";
  return kind + (entry.mode & 0o7777).toString(8).padStart(4, "0");
}

function describeOwn(root, path, entry, owner, normalise) {
  const head = `${modeOf(entry)} ${owner} ${path}`;
  if (entry.isSymbolicLink()) return normalise(`${head} -> ${readlinkSync(root + path)}`);
  if (!entry.isFile()) return normalise(head);
  const text = normalise(readFileSync(root + path, "utf8")).trimEnd();
  return [normalise(head), ...(text === "" ? [] : text.split("\n").map((line) => `    ${line}`))].join("\n");
}

/** Lines about the service in a file of everybody's. */
function describeShared(root, path, isAbout, normalise) {
  const text = readFileSync(root + path, "utf8");
  if (text.includes("\0")) return [];
  return text
    .split("\n")
    .filter((line) => isAbout(line))
    .map((line) => {
      let words = line;
      if (/\/(passwd|group)$/.test(path)) words = line.replace(/:x:\d+(:\d+)?/, ":x:ID").replace(/(:x:ID:).*/, path.endsWith("group") ? "$1" : "$&");
      if (path.endsWith("sshd_config")) words = `Match User ... ${line.split(/[ ,]/).filter(isAbout)}`; // the list has everybody
      return `${path}: ${normalise(words)}`;
    });
}

/** @param names {user, domain, packageName} of the service on this node */
export function nodeState(lab, node, names_) {
  const root = nodeRoot(lab, node);
  const users = names(root, "/etc/passwd");
  const groups = names(root, "/etc/group");
  const normalise = normaliser(names_);
  const marks = Object.values(names_).map((word) => new RegExp(`(?<![a-z0-9])${word.replaceAll(".", "\\.")}(?![a-z0-9])`));
  const isAbout = (text) => marks.some((mark) => mark.test(text));
  const parts = [];
  for (const tree of TREES) {
    for (const { path, entry } of walk(root, tree)) {
      if (LEFT_OUT.some((pattern) => pattern.test(path))) continue;
      if (isAbout(path)) parts.push(describeOwn(root, path, entry, `${users[entry.uid] ?? "UNKNOWN"}:${groups[entry.gid] ?? "UNKNOWN"}`, normalise));
      else if (entry.isFile()) parts.push(...describeShared(root, path, isAbout, normalise));
    }
  }
  return parts.join("\n");
}

/** The whole service: each of its nodes by name. @param service as the API gives it, live */
export function serviceState(lab, service, installation) {
  const packageName = `b${installation}-${String(service.id).padStart(10, "0")}-x`;
  const nodes = new Map(service.roles.flatMap((role) => role.nodes).map((node) => [node.name, node.account]));
  return [...nodes]
    .sort()
    .map(([node, user]) => `== ${node}\n${nodeState(lab, node, { user, domain: service.domain, packageName })}`)
    .join("\n");
}
