// host-key.ts - a server's host key as `ssh-keygen -lf` prints it: bits, fingerprint, comment, kind. Pure.

const KINDS: Record<string, string> = {
  "ssh-ed25519": "ED25519",
  "ssh-rsa": "RSA",
  "ssh-dss": "DSA",
  "ecdsa-sha2-nistp256": "ECDSA",
  "ecdsa-sha2-nistp384": "ECDSA",
  "ecdsa-sha2-nistp521": "ECDSA",
};

/** "ED25519" */
export function keyKind(line: string): string {
  const type = line.split(" ")[0] ?? "";
  return KINDS[type] ?? type;
}

/** How many bits it has; 0 when it cannot be said. */
export function keyBits(line: string): number {
  const [type = "", base64 = ""] = line.split(" ");
  if (type === "ssh-ed25519") return 256;
  const curve = /nistp(\d+)$/.exec(type);
  if (curve) return Number(curve[1]);
  if (type !== "ssh-rsa") return 0;
  let bytes: string;
  try {
    bytes = atob(base64);
  } catch {
    return 0;
  }
  // texts behind each other: type, exponent, modulus; each with its length in front
  let at = 0;
  let part = "";
  for (let i = 0; i < 3; i++) {
    let length = 0;
    for (let j = 0; j < 4; j++) length = length * 256 + (bytes.charCodeAt(at + j) || 0);
    part = bytes.slice(at + 4, at + 4 + length);
    at += 4 + length;
  }
  while (part.charCodeAt(0) === 0) part = part.slice(1);
  return part === "" ? 0 : (part.length - 1) * 8 + (32 - Math.clz32(part.charCodeAt(0)));
}

/** "256 SHA256:... web1.example.net (ED25519)" */
export function keyLine(line: string, fingerprint: string, comment: string): string {
  const bits = keyBits(line);
  return `${bits ? `${bits} ` : ""}${fingerprint} ${comment} (${keyKind(line)})`;
}
