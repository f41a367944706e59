/** Fetches the keys an issuer publishes (JWKS), guarded like everything that goes out. */
import { z } from 'zod'
import type { FetchAllow } from '../outgoing/fetch-allow.ts'
import { guardedFetch } from '../outgoing/guarded-fetch.ts'

/** More keys than anybody has. */
const KEY_LIMIT = 100
const BYTE_LIMIT = 512 * 1024

const jwks = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(KEY_LIMIT) })

/** Keys as they were published; the database decides which can be used. */
export type PublishedKeys = z.infer<typeof jwks>['keys']

/**
 * Fetches them. A redirect is refused: whom we believe is what the operator wrote, and nobody it points to.
 * @throws WorkerError of guardedFetch; Error when what answers is no JWKS
 */
export async function fetchKeys(
  url: string,
  { allow, signal }: { allow: FetchAllow; signal: AbortSignal },
): Promise<PublishedKeys> {
  const answer = await guardedFetch(url, {
    allow,
    signal,
    accept: 'application/jwk-set+json, application/json',
    limits: { byteLimit: BYTE_LIMIT, maxRedirects: 0 },
  })
  if (answer.status !== 'ok') throw new Error(`${url} did not answer with keys.`)
  const parsed = jwks.safeParse(parseJson(answer.bytes))
  if (!parsed.success) throw new Error(`${url} answered with something that is no set of keys (JWKS).`)
  return parsed.data.keys
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined // no JSON at all; the schema says so
  }
}
