/**
 * An undici agent whose every connection, redirects included, goes to an address that was checked. The name is
 * resolved once; what was checked is what is connected to, so an answer that changes (DNS rebinding) changes nothing.
 */
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { WorkerError } from '../worker-error.ts'
import { bareHost, type FetchAllow, sameAddress } from './fetch-allow.ts'
import { isPublicAddress } from './public-address.ts'

/** Resolves a name to all its addresses. */
export type ResolveHost = (host: string) => Promise<{ address: string; family: number }[]>

/** What the agent needs; `resolve` is for tests. (Default: the system's resolver) */
export type GuardOptions = {
  allow: FetchAllow
  connectTimeoutMs: number
  /** Ports that public addresses are reached on. */
  publicPorts: readonly number[]
  resolve?: ResolveHost | undefined
  /** Called when a connection stands, TLS included: from here on something may have been sent. */
  onConnected?: () => void
}

const resolveWithSystem: ResolveHost = (host) => systemLookup(host, { all: true })

/** Makes an agent that reaches public addresses on the given ports, and what `allow` permits. */
export function createGuardedAgent(options: GuardOptions): Agent {
  const connect: buildConnector.connector = (target, callback) => {
    const host = bareHost(target.hostname)
    const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
    const vetted: string[] = []
    const vet = (address: string) => {
      assertReachable({ host, port, address }, options)
      vetted.push(address)
    }
    try {
      // An address in the URL is connected to without a lookup, so it is checked here.
      if (isIP(host)) vet(host)
    } catch (error) {
      callback(error as Error, null)
      return
    }
    const lookup = guardedLookup(options.resolve ?? resolveWithSystem, vet)
    const connector = buildConnector({ timeout: options.connectTimeoutMs, lookup, allowH2: false })
    connector(target, (...result) => {
      const [error, socket] = result
      if (error) return callback(error, null)
      const address = socket.remoteAddress ?? ''
      if (vetted.some((known) => sameAddress(known, address))) {
        options.onConnected?.()
        return callback(null, socket)
      }
      socket.destroy()
      callback(forbidden({ host, port, address }, 'it was not checked'), null)
    })
  }
  return new Agent({ connect, pipelining: 0, allowH2: false })
}

function guardedLookup(resolve: ResolveHost, vet: (address: string) => void): LookupFunction {
  return (host, { all }, callback) => {
    const answer = async () => {
      // Without the root's dot: resolvers disagree about what localhost with a dot is.
      const addresses = await resolve(bareHost(host))
      // One private address among public ones is an attack or a mistake, so none is used.
      for (const { address } of addresses) vet(address)
      const [first] = addresses
      if (!first) throw new WorkerError('feed_unreachable', `${host} has no address.`)
      return { addresses, first }
    }
    answer().then(
      ({ addresses, first }) =>
        all ? callback(null, addresses) : callback(null, first.address, first.family),
      (error: Error) => callback(error, []),
    )
  }
}

type Target = { host: string; port: number; address: string }

function assertReachable(target: Target, { allow, publicPorts }: GuardOptions): void {
  const { host, port, address } = target
  if (allow.permits(host, port, address)) return
  if (!isPublicAddress(address)) throw forbidden(target, 'that is no public address')
  if (!publicPorts.includes(port))
    throw forbidden(target, `port ${port} is not one of ${publicPorts.join(', ')}`)
}

function forbidden({ host, address }: Target, why: string): WorkerError {
  const where = host === address ? host : `${host} (${address || 'no address'})`
  return new WorkerError('feed_url_forbidden', `Refused to connect to ${where}: ${why}.`)
}
