/** HOWDAH_FETCH_ALLOW: the exceptions that an operator makes for hosts and networks of their own. */
import ipaddr from 'ipaddr.js'
import { WorkerError } from '../worker-error.ts'

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]
type Entry = { host?: string; network?: Network; port?: number }

/** Answers whether an operator named this host or address. */
export type FetchAllow = {
  /** True when the host, or the network its address lies in, is named (for this port, where a port is named). */
  permits(host: string, port: number, address: string): boolean
}

/** Nothing private is reachable. */
export const ALLOW_NOTHING: FetchAllow = { permits: () => false }

/**
 * Reads a comma list of hosts, `host:port`, addresses and CIDR networks. An entry without a port allows every port.
 * @throws settings_invalid
 * @example parseFetchAllow('feeds.lan:8080, 10.1.0.0/16, [::1]:9000')
 */
export function parseFetchAllow(list: string): FetchAllow {
  const entries = list
    .split(',')
    .map((text) => text.trim())
    .filter(Boolean)
    .map(parseEntry)
  return {
    permits: (host, port, address) => entries.some((entry) => fits(entry, host.toLowerCase(), port, address)),
  }
}

function parseEntry(text: string): Entry {
  if (ipaddr.isValidCIDR(text)) return { network: ipaddr.parseCIDR(text) }
  if (ipaddr.IPv6.isValid(text)) return { host: text }
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/[\]]+)(?::(\d{1,5}))?$/i.exec(text)
  const url = match && URL.parse(`http://${match[1]}`)
  if (!match || !url) {
    throw new WorkerError(
      'settings_invalid',
      `HOWDAH_FETCH_ALLOW has ${JSON.stringify(text)}, which is no host.`,
      {
        hint: 'Write hosts, host:port or networks, parted by commas: feeds.lan:8080, 10.1.0.0/16.',
      },
    )
  }
  const host = bareHost(url.hostname)
  return match[2] === undefined ? { host } : { host, port: Number(match[2]) }
}

function fits(entry: Entry, host: string, port: number, address: string): boolean {
  if (entry.port !== undefined && entry.port !== port) return false
  if (entry.host !== undefined) return entry.host === host || sameAddress(entry.host, address)
  if (entry.network === undefined || !ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return parsed.kind() === entry.network[0].kind() && parsed.match(entry.network)
}

/** `[::1]` and `name.` as they are compared: `::1` and `name`. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}

/** True when both spell one address. */
export function sameAddress(a: string, b: string): boolean {
  if (!ipaddr.isValid(a) || !ipaddr.isValid(b)) return false
  return ipaddr.process(a).toNormalizedString() === ipaddr.process(b).toNormalizedString()
}
