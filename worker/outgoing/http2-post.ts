/** Posts over HTTP/2, for a server that an operator named: one connection for many requests, as Apple wants it. */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import { POST_LIMITS } from './guarded-post.ts'
import type { Post, PostRequest, PostResult } from './post-result.ts'

/** A Post over HTTP/2. Dispose it to close its connection. */
export type Http2Post = Disposable & { post: Post }

/** `limits` is for tests. */
export function http2Post(origin: string, limits: Partial<typeof POST_LIMITS> = {}): Http2Post {
  const { connectTimeoutMs, totalTimeoutMs, byteLimit } = { ...POST_LIMITS, ...limits }
  let session: ClientHttp2Session | undefined
  const open = async (signal: AbortSignal): Promise<ClientHttp2Session> => {
    if (session && !session.closed && !session.destroyed && !session.connecting) return session
    const opened = connect(origin)
    // An idle connection must not keep the process, nor may its end be nobody's error.
    opened.unref()
    opened.on('error', () => undefined)
    const stop = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)])
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => {
        opened.destroy()
        reject(error instanceof Error ? error : new Error(String(error)))
      }
      opened.once('connect', () => resolve())
      opened.once('error', fail)
      opened.once('close', () => fail(new Error('The connection was closed.')))
      stop.addEventListener('abort', () => fail(stop.reason), { once: true })
    })
    session = opened
    return opened
  }
  return {
    post: async (request, signal) => {
      let opened: ClientHttp2Session
      try {
        opened = await open(signal)
      } catch (error) {
        return { kind: 'not_sent', error: `${new URL(origin).host}: ${String(error)}` }
      }
      const stop = AbortSignal.any([signal, AbortSignal.timeout(totalTimeoutMs)])
      const result = await exchange(opened, request, stop, byteLimit)
      // Whoever fell silent may have died with the connection; the next request gets another.
      if (result.kind === 'lost') opened.destroy()
      return result
    },
    [Symbol.dispose]: () => session?.destroy(),
  }
}

async function exchange(
  session: ClientHttp2Session,
  { url, headers, body }: PostRequest,
  signal: AbortSignal,
  byteLimit: number,
): Promise<PostResult> {
  return await new Promise<PostResult>((resolve) => {
    const stream = session.request(
      { ...headers, ':method': 'POST', ':path': new URL(url).pathname },
      { signal },
    )
    let answered: IncomingHttpHeaders | undefined
    let text = ''
    stream.setEncoding('utf8')
    stream.once('response', (received) => {
      answered = received
    })
    stream.on('data', (piece: string) => {
      if (text.length < byteLimit) text += piece
    })
    stream.once('error', () => undefined)
    stream.once('close', () => resolve(resultOf(answered, text, stream.rstCode)))
    stream.end(body)
  })
}

function resultOf(
  answered: IncomingHttpHeaders | undefined,
  body: string,
  code: number | undefined,
): PostResult {
  const status = answered?.[':status']
  if (answered && typeof status === 'number') {
    return { kind: 'answer', status, retryAfter: answered['retry-after'], body }
  }
  // "Prior to any processing having occurred": the one reset after which trying again is safe. Source: RFC 9113 section 8.7.
  if (code === constants.NGHTTP2_REFUSED_STREAM)
    return { kind: 'not_sent', error: 'The server refused the stream.' }
  return { kind: 'lost', error: `The server gave no answer (HTTP/2 code ${code ?? 'unknown'}).` }
}
