/** Posts over HTTP/2, for a server that an operator named: one connection for many requests, as Apple wants it. */
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { POST_LIMITS } from './guarded-post.ts'
import type { Post, PostRequest, PostResult } from './post-result.ts'

/** A Post over HTTP/2. Dispose it to close its connection. */
export type Http2Post = Disposable & { post: Post }

/** `limits` is for tests. */
export function http2Post(origin: string, limits: Partial<typeof POST_LIMITS> = {}): Http2Post {
  const { connectTimeoutMs, totalTimeoutMs, byteLimit } = { ...POST_LIMITS, ...limits }
  let current: Promise<ClientHttp2Session> | undefined
  const open = async (): Promise<ClientHttp2Session> => {
    const seen = current
    const known = await seen?.catch(() => undefined)
    if (known && !known.closed && !known.destroyed) return known
    // Several that find it gone share the next one.
    if (!current || current === seen) current = openSession(origin, connectTimeoutMs)
    return current
  }
  return {
    post: async (request, signal) => {
      const stop = AbortSignal.any([signal, AbortSignal.timeout(totalTimeoutMs)])
      let session: ClientHttp2Session
      let stream: ClientHttp2Stream
      try {
        session = await open()
        stream = startStream(session, request, stop)
      } catch (error) {
        return { kind: 'not_sent', error: `${new URL(origin).host}: ${String(error)}` }
      }
      const result = await finish(stream, request.body, byteLimit)
      // What fell silent may be the connection: the next request gets another, those under way keep this one.
      if (result.kind === 'lost') session.close()
      return result
    },
    [Symbol.dispose]: () => {
      current?.then(
        (session) => session.destroy(),
        () => undefined,
      )
    },
  }
}

async function openSession(origin: string, timeoutMs: number): Promise<ClientHttp2Session> {
  const session = connect(origin)
  // An idle connection must not keep the process, nor may its end be nobody's error.
  session.unref()
  session.on('error', () => undefined)
  const patience = AbortSignal.timeout(timeoutMs)
  try {
    await once(session, 'connect', { signal: patience })
    return session
  } catch (error) {
    session.destroy()
    throw patience.aborted ? new Error(`no connection within ${timeoutMs} ms`) : error
  }
}

function startStream(
  session: ClientHttp2Session,
  { url, headers }: PostRequest,
  signal: AbortSignal,
): ClientHttp2Stream {
  return session.request({ ...headers, ':method': 'POST', ':path': new URL(url).pathname }, { signal })
}

async function finish(stream: ClientHttp2Stream, body: Buffer, byteLimit: number): Promise<PostResult> {
  return await new Promise<PostResult>((resolve) => {
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
