/** Fetches an address that a stranger chose: checked at every hop, limited in time and size, nothing of ours carried. */
import type { Agent, Dispatcher } from 'undici'
import { WorkerError } from '../worker-error.ts'
import { checkUrl } from './check-url.ts'
import type { FetchAllow } from './fetch-allow.ts'
import { fetchFailure } from './fetch-failure.ts'
import { createGuardedAgent, type ResolveHost } from './guarded-agent.ts'
import { readBody, tooLarge } from './read-body.ts'
import { retryAfterSeconds } from './retry-after.ts'

/** Limits in milliseconds, bytes and hops. */
export const FETCH_LIMITS = {
  connectTimeoutMs: 5000,
  /** Silence before the headers, or between two pieces of the body. */
  idleTimeoutMs: 10_000,
  totalTimeoutMs: 30_000,
  byteLimit: 5 * 1024 * 1024,
  maxRedirects: 3,
  /** Ports that public addresses are reached on. */
  publicPorts: [80, 443],
}

const USER_AGENT = 'Howdah/0.1 (feed reader)'
const REDIRECTS = [301, 302, 303, 307, 308]
const PERMANENT = [301, 308]

/** What was remembered of the last answer, and who may be reached. `resolve` and `limits` are for tests. */
export type FetchOptions = {
  allow: FetchAllow
  accept: string
  etag?: string | null
  lastModified?: string | null
  signal?: AbortSignal
  resolve?: ResolveHost
  limits?: Partial<typeof FETCH_LIMITS>
}

type Arrival = {
  url: string
  /** Where permanent redirects lead, when the first hops are permanent. */
  movedTo: string | null
}

/** An answer with a body, or word that nothing has changed since. */
export type FetchResult =
  | (Arrival & { status: 'not_modified' })
  | (Arrival & {
      status: 'ok'
      bytes: Uint8Array
      contentType: string | undefined
      etag: string | null
      lastModified: string | null
    })

/**
 * Fetches with GET.
 * @throws feed_url_invalid, feed_url_forbidden, feed_unreachable, feed_timeout, feed_too_large, feed_http_status,
 * feed_too_many_redirects, feed_malformed; and the signal's reason when the caller aborts
 */
export async function guardedFetch(address: string, options: FetchOptions): Promise<FetchResult> {
  const limits = { ...FETCH_LIMITS, ...options.limits }
  const first = checkUrl(address)
  const timeout = AbortSignal.timeout(limits.totalTimeoutMs)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  const agent = createGuardedAgent({
    allow: options.allow,
    connectTimeoutMs: limits.connectTimeoutMs,
    publicPorts: limits.publicPorts,
    resolve: options.resolve,
  })
  try {
    return await follow(first, { ...options, agent, signal, limits })
  } catch (error) {
    options.signal?.throwIfAborted()
    throw fetchFailure(error, first, timeout.aborted ? limits.totalTimeoutMs : undefined)
  } finally {
    await agent.destroy()
  }
}

type Hops = FetchOptions & { agent: Agent; signal: AbortSignal; limits: typeof FETCH_LIMITS }

async function follow(first: URL, hops: Hops): Promise<FetchResult> {
  let url = first
  let movedTo: string | null = null
  let isPermanent = true
  for (let hop = 0; hop <= hops.limits.maxRedirects; hop++) {
    const response = await get(url, hops)
    const location = header(response, 'location')
    if (!REDIRECTS.includes(response.statusCode) || location === undefined) {
      return await arrive(response, { url: url.href, movedTo }, hops)
    }
    await response.body.dump({ limit: 0 }).catch(() => undefined)
    url = checkUrl(asUtf8(location), url)
    isPermanent &&= PERMANENT.includes(response.statusCode)
    if (isPermanent) movedTo = url.href
  }
  throw new WorkerError(
    'feed_too_many_redirects',
    `${first.href} redirects more than ${hops.limits.maxRedirects} times.`,
  )
}

async function get(url: URL, { agent, signal, limits, ...options }: Hops): Promise<Dispatcher.ResponseData> {
  return await agent.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: 'GET',
    signal,
    headersTimeout: limits.idleTimeoutMs,
    bodyTimeout: limits.idleTimeoutMs,
    headers: {
      'user-agent': USER_AGENT,
      accept: options.accept,
      'accept-encoding': 'gzip, deflate, br',
      ...(isHeader(options.etag) && { 'if-none-match': options.etag }),
      ...(isHeader(options.lastModified) && { 'if-modified-since': options.lastModified }),
    },
  })
}

async function arrive(response: Dispatcher.ResponseData, arrival: Arrival, hops: Hops): Promise<FetchResult> {
  const { statusCode, body } = response
  const isConditional = isHeader(hops.etag) || isHeader(hops.lastModified)
  if (statusCode === 304 && isConditional) return { status: 'not_modified', ...arrival }
  if (statusCode < 200 || statusCode > 299) {
    throw new WorkerError('feed_http_status', `${arrival.url} answered with status ${statusCode}.`, {
      retryAfterSeconds: retryAfterSeconds(header(response, 'retry-after'), new Date()),
    })
  }
  const { byteLimit } = hops.limits
  if (Number(header(response, 'content-length') ?? 0) > byteLimit) throw tooLarge(byteLimit)
  return {
    status: 'ok',
    ...arrival,
    bytes: await readBody(body, header(response, 'content-encoding'), byteLimit, hops.signal),
    contentType: header(response, 'content-type'),
    etag: storable(header(response, 'etag')),
    lastModified: storable(header(response, 'last-modified')),
  }
}

function header(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Header bytes come as latin1; servers that write beyond ASCII mean UTF-8. */
function asUtf8(value: string): string {
  const decoded = Buffer.from(value, 'latin1').toString('utf8')
  return decoded.includes('\uFFFD') ? value : decoded
}

/** A server's validator goes into a header of ours again, so it must fit one. */
function isHeader(value: string | null | undefined): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,500}$/.test(value)
}

function storable(value: string | undefined): string | null {
  return isHeader(value) ? value : null
}
