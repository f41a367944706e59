/** Changes the key that access tokens are signed with, while everything runs and nobody is signed out. */
import { createHmac, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from 'pg'
import { z } from 'zod'
import { type Target, urlFor } from './provision/target.ts'
import { withClient } from './provision/with-client.ts'
import { keepJwtSecret } from './secrets.ts'
import { StackError } from './stack-error.ts'

/** A PostgREST reads its settings again in a tenth of a second; one that has to connect anew needs longer. */
const PATIENCE_MS = 10_000
/** Where no address is known to ask at, this long is waited instead. */
const BLIND_WAIT_MS = 3_000
/** The database's own hint names an argument of its function. */
const STILL_USED_HINT =
  'Wait until then; or, if somebody knows the key, end it at once: npm run secrets:rotate -- --finish --leaked'

/** Where the secret is kept, and who has to know it. */
export type Rotation = {
  target: Target
  /** Folder with secrets.json. */
  dataDir: string
  /** Addresses of the PostgRESTs that can be asked whether they know the new key. */
  apiUrls: string[]
}

const refusal = z.looseObject({ code: z.string().optional() })

/**
 * Announces a new secret, waits until every PostgREST accepts it, keeps it, and signs with it from then on. Killed half
 * way it can be run again; the next start finishes what secrets.json says.
 * @throws refused when a PostgREST does not take the new key in, or tokens of the key before may still be out
 */
export async function rotateJwtSecret({ target, dataDir, apiUrls }: Rotation): Promise<void> {
  const secret = randomBytes(36).toString('base64url')
  await asOwner(target, 'select ops.announce_jwt_secret($1)', [secret])
  if (apiUrls.length === 0) await sleep(BLIND_WAIT_MS)
  await Promise.all(apiUrls.map((url) => accepted(url, secret)))
  keepJwtSecret(dataDir, secret)
  await asOwner(target, 'select ops.use_announced_jwt_secret()')
}

/** Ends the time of the previous secret; true when there was one. `isLeaked`: also while tokens of it are out. */
export async function finishRotation(target: Target, isLeaked: boolean): Promise<boolean> {
  const rows = await asOwner(target, 'select ops.forget_previous_jwt_secret($1) as "wasThere"', [isLeaked])
  return z.array(z.object({ wasThere: z.boolean() })).parse(rows)[0]?.wasThere ?? false
}

async function asOwner(target: Target, sql: string, values: unknown[] = []): Promise<unknown[]> {
  try {
    return await withClient(
      urlFor(target, 'howdah_migrations'),
      async (owner) => (await owner.query(sql, values)).rows,
    )
  } catch (cause) {
    // The database's own refusals carry a key, a sentence and a remedy.
    if (!(cause instanceof DatabaseError) || !cause.code?.startsWith('PT')) throw cause
    const hint = cause.message === 'secret_still_used' ? STILL_USED_HINT : (cause.hint ?? '')
    throw new StackError('refused', `${cause.message}: ${cause.detail ?? ''}`, hint, { cause })
  }
}

/** Asks with a token that says nothing: whoever knows its key refuses it for what it lacks, not for its signature. */
async function accepted(url: string, secret: string): Promise<void> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ probe: true })}`
  const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const answer = await fetch(`${url}/rpc/health`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const { code } = refusal.parse(await answer.json())
    if (code === 'PT401') return
    if (Date.now() > end) {
      throw new StackError(
        'refused',
        `The API at ${url} does not accept the new secret (it says ${code}); nothing was changed.`,
        'Is db-config on, and does db-pre-config name core.postgrest_settings? deploy/postgrest.env shows both.',
      )
    }
    await sleep(25)
  }
}
