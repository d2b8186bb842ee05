// Host keys as ssh-keygen prints them, and limits as people type them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { keyBits, keyKind, keyLine } = await load("admin/nodes/host-key.ts");
const { LIMITS, readLimit } = await load("admin/catalogue/spec.ts");

const length = (bytes) => [0, 0, bytes.length >> 8, bytes.length & 255, ...bytes];
const rsa = (bits) => `ssh-rsa ${Buffer.from([...length([...Buffer.from("ssh-rsa")]), ...length([1, 0, 1]), ...length([0, ...Array(bits / 8).fill(0xff)])]).toString("base64")}`;

test("a host key reads as ssh-keygen prints it", () => {
  assert.equal(keyLine("ssh-ed25519 AAAA", "SHA256:abc", "web1"), "256 SHA256:abc web1 (ED25519)");
  assert.equal(keyBits(rsa(3072)), 3072);
  assert.equal(keyKind(rsa(2048)), "RSA");
  assert.equal(keyBits("ecdsa-sha2-nistp384 AAAA"), 384);
  assert.equal(keyLine("ssh-new AAAA", "SHA256:abc", "x"), "SHA256:abc x (ssh-new)");
  assert.equal(keyBits("ssh-rsa %%%"), 0);
});

test("limits as people type them", () => {
  const [disk, , domains] = LIMITS.web;
  const backups = LIMITS.web.find((field) => field.name === "backups");
  const php = LIMITS.web.find((field) => field.name === "php");
  const cases = [
    [disk, "", undefined],
    [disk, "2000", 2000],
    [disk, "2 GB", 2000],
    [disk, "1.5gb", 1500],
    [disk, "unlimited", "unlimited"],
    [disk, "-1", "unlimited"],
    [disk, "much", null],
    [domains, "5", 5],
    [domains, "5 GB", null],
    [backups, "unlimited", null],
    [php, " 8.2 ", "8.2"],
    [php, "", undefined],
  ];
  for (const [field, typed, want] of cases) assert.equal(readLimit(field, typed), want, `${field.name}: ${typed}`);
});
