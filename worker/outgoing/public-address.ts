/** Which IP addresses belong to the public internet. Whatever is not surely public is not. */
import ipaddr from 'ipaddr.js'

/** Everything IANA has handed out for the public lies in here. Source: RFC 4291 section 2.4. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * True for an address on the public internet. Addresses that carry another inside (mapped, 6to4, NAT64, Teredo)
 * are never public: they are a second spelling, and nobody publishes a feed under one.
 * @example isPublicAddress('::ffff:8.8.8.8') // false
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  if (parsed instanceof ipaddr.IPv4) return true
  return !parsed.zoneId && parsed.match(GLOBAL_UNICAST)
}
