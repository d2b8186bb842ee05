// domain.ts - a domain as people write it, in the spelling in which it is stored. Pure.

/** A domain is stored in A-labels; the browser knows how to write them. */
export function storedDomain(domain: string): string {
  const bare = domain.replace(/^www\./i, "").toLowerCase();
  if (!/[^\x00-\x7f]/.test(bare)) return bare; // plain digits would be read as an IPv4 address
  try {
    return new URL(`http://${bare}`).hostname;
  } catch {
    return bare;
  }
}
