/** Which IP addresses belong to the public internet. Whatever is not surely public is not. */
import ipaddr from 'ipaddr.js'

/** Everything IANA has handed out for the public lies in here. Source: RFC 4291 section 2.4. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/** Ranges that the library counts as ordinary although nothing public answers there. */
const MORE_V4 = ['192.0.0.0/24', '192.88.99.0/24', '198.18.0.0/15'].map((range) =>
  ipaddr.IPv4.parseCIDR(range),
)
const MORE_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map((range) =>
  ipaddr.IPv6.parseCIDR(range),
)

/**
 * True for an address on the public internet. Addresses that carry another inside (mapped, 6to4, NAT64, Teredo)
 * are never public: they are a second spelling, and nobody publishes a feed under one.
 * @example isPublicAddress('::ffff:8.8.8.8') // false
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  if (parsed instanceof ipaddr.IPv4) return !MORE_V4.some((range) => parsed.match(range))
  return !parsed.zoneId && parsed.match(GLOBAL_UNICAST) && !MORE_V6.some((range) => parsed.match(range))
}
