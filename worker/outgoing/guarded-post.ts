/** Posts to an address that a stranger chose: checked like guardedFetch, never redirected, and honest about silence. */
import { checkUrl } from './check-url.ts'
import type { FetchAllow } from './fetch-allow.ts'
import { fetchFailure } from './fetch-failure.ts'
import { createGuardedAgent, type ResolveHost } from './guarded-agent.ts'
import type { Post, PostRequest, PostResult } from './post-result.ts'
import { readBody } from './read-body.ts'

/** Limits in milliseconds and bytes. */
export const POST_LIMITS = {
  connectTimeoutMs: 5000,
  totalTimeoutMs: 20_000,
  /** The status has said what matters; nobody waits long for the words. */
  bodyTimeoutMs: 3000,
  /** Of an answer only its beginning is of interest, and only for operators. */
  byteLimit: 64 * 1024,
  /** Ports that public addresses are reached on. */
  publicPorts: [443],
}

/** Who may be reached. `resolve` and `limits` are for tests. */
export type PostOptions = { allow: FetchAllow; resolve?: ResolveHost; limits?: Partial<typeof POST_LIMITS> }

/** A Post for addresses that were checked; a new connection each time, so that nothing of one is left for the next. */
export function guardedPost(options: PostOptions): Post {
  const limits = { ...POST_LIMITS, ...options.limits }
  return (request, signal) => post(request, signal, { ...options, limits })
}

type Bound = PostOptions & { limits: typeof POST_LIMITS }

async function post(request: PostRequest, stop: AbortSignal, options: Bound): Promise<PostResult> {
  const { limits } = options
  const timeout = AbortSignal.timeout(limits.totalTimeoutMs)
  const signal = AbortSignal.any([stop, timeout])
  let isConnected = false
  const agent = createGuardedAgent({
    ...limits,
    allow: options.allow,
    resolve: options.resolve,
    onConnected: () => {
      isConnected = true
    },
  })
  try {
    const url = URL.canParse(request.url) ? checkUrl(request.url) : undefined
    if (!url) return { kind: 'not_sent', error: 'What it should be sent to is no address.' }
    const answer = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST',
      headers: request.headers,
      body: request.body,
      signal,
      headersTimeout: limits.totalTimeoutMs,
      bodyTimeout: limits.totalTimeoutMs,
    })
    const retryAfter = answer.headers['retry-after']
    return {
      kind: 'answer',
      status: answer.statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: await readText(answer.body, limits, signal),
    }
  } catch (error) {
    // The address is a secret between the browser and us: only its host is told.
    const host = URL.parse(request.url)?.host ?? 'the push service'
    const failure = fetchFailure(
      error,
      new URL(`https://${host}`),
      timeout.aborted ? limits.totalTimeoutMs : undefined,
    )
    return { kind: isConnected ? 'lost' : 'not_sent', error: failure.message }
  } finally {
    await agent.destroy()
  }
}

/** A body that breaks off, drips or is too long takes nothing from the status. */
async function readText(
  body: Parameters<typeof readBody>[0],
  { byteLimit, bodyTimeoutMs }: typeof POST_LIMITS,
  signal: AbortSignal,
): Promise<string> {
  const patience = setTimeout(() => body.destroy(), bodyTimeoutMs)
  const bytes = await readBody(body, undefined, byteLimit, signal).catch(() => new Uint8Array())
  clearTimeout(patience)
  return Buffer.from(bytes).toString('utf8')
}
