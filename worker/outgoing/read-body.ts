/** A response body to bytes, decompressed, never more than the limit: a bomb is cut while it unfolds. */
import { Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { WorkerError } from '../worker-error.ts'

/**
 * Reads a body to its end.
 * @throws feed_too_large, feed_malformed
 */
export async function readBody(
  body: Readable,
  contentEncoding: string | undefined,
  byteLimit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const source = limited(body, byteLimit)
  const encoding = contentEncoding?.trim().toLowerCase() || 'identity'
  if (encoding === 'identity') return await collect(source)

  const compressed = Readable.from(source, { objectMode: false })
  let bytes: Uint8Array = new Uint8Array()
  await pipeline(
    compressed,
    await decompressor(encoding, compressed),
    async (plain: AsyncIterable<Uint8Array>) => {
      bytes = await collect(limited(plain, byteLimit))
    },
    { signal },
  ).catch((error: unknown) => {
    if (!isZlibError(error)) throw error
    throw new WorkerError('feed_malformed', `The ${encoding} body is broken: ${error.message}.`, {
      cause: error,
    })
  })
  return bytes
}

async function* limited(source: AsyncIterable<Uint8Array>, byteLimit: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > byteLimit) throw tooLarge(byteLimit)
    yield chunk
  }
}

/** The error for a body beyond the limit. */
export function tooLarge(byteLimit: number): WorkerError {
  return new WorkerError('feed_too_large', `The answer has more than ${byteLimit} bytes; it was cut off.`)
}

async function decompressor(encoding: string, compressed: Readable): Promise<Transform> {
  if (encoding === 'gzip' || encoding === 'x-gzip') return createGunzip()
  if (encoding === 'br') return createBrotliDecompress()
  if (encoding === 'deflate') return (await hasZlibHeader(compressed)) ? createInflate() : createInflateRaw()
  throw new WorkerError(
    'feed_malformed',
    `The answer is in the encoding ${JSON.stringify(encoding)}, which nobody asked for.`,
  )
}

/** "deflate" means zlib by the standard and raw deflate by some servers; the first byte tells. */
async function hasZlibHeader(compressed: Readable): Promise<boolean> {
  const chunk: Uint8Array | null = await new Promise((resolve, reject) => {
    compressed.once('error', reject)
    compressed.once('end', () => resolve(null))
    compressed.once('readable', () => resolve(compressed.read()))
  })
  if (chunk) compressed.unshift(chunk)
  return ((chunk?.[0] ?? 0) & 0x0f) === 8
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function isZlibError(error: unknown): error is Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR')
}
