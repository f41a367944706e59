/**
 * npm run bench:enumeration: can a stranger tell from the time of an answer whether an address has an account?
 * Asks for existing and missing addresses in turn, and prints how well the time tells them apart: the area under the
 * ROC curve, where 0.5 is a coin and 1 a sure thing. Needs four to six minutes and cleans up after itself.
 */
import { freePort } from '../stack/free-port.ts'
import { postgrestBinary } from '../stack/postgrest/binary.ts'
import { launchPostgrest } from '../stack/postgrest/launch.ts'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { renderTable } from '../stack/terminal/table.ts'
import { areaUnderCurve } from './area-under-curve.ts'
import { spread } from './spread.ts'
import { withThrowawayDatabase } from './throwaway-database.ts'

/** Of each kind, for each function. Source: our check A-05 asks for 300. */
const ROUNDS = 400
const WARM_UP_ROUNDS = 20
const LOWEST = 0.45
const HIGHEST = 0.55

type Call = { name: string; args(email: string): object }
const PASSWORD = 'correct horse battery'
const CALLS: readonly Call[] = [
  { name: 'request_password_reset', args: (email) => ({ email }) },
  { name: 'sign_in', args: (email) => ({ email, password: 'not the password' }) },
  { name: 'sign_up', args: (email) => ({ email, password: PASSWORD }) },
]

try {
  process.exitCode = await withThrowawayDatabase(async (target, settings) => {
    await prepare(target)
    const api = await launchPostgrest({
      binary: postgrestBinary(settings.postgrestBin),
      databaseUrl: urlFor(target, 'howdah_authenticator'),
      jwtSecret: target.secrets.jwt_secret,
      port: await freePort(),
      adminPort: await freePort(),
      settings: {},
    })
    try {
      return await measure(api.url)
    } finally {
      await api.stop()
    }
  })
} catch (error) {
  printError(error)
  process.exitCode = 1
}

/** Accounts to ask for, with a password hash of the real cost. */
async function prepare(target: Target): Promise<void> {
  await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    await owner.query(`select ops.set_setting('sign_up_mode', '"verify"')`)
    await owner.query(
      `with made as (
         insert into core.users (email) select format('known-%s@example.com', n) from generate_series(1, $1::int) n returning id
       ), hashed as materialized (select private.hash_password($2) as hash)
       insert into private.passwords (user_id, password_hash) select id, hash from made, hashed`,
      [ROUNDS + WARM_UP_ROUNDS, PASSWORD],
    )
    await owner.query('analyze core.users, private.passwords')
  })
}

async function measure(url: string): Promise<number> {
  const rows: string[][] = []
  let isOk = true
  for (const { name, args } of CALLS) {
    const known: number[] = []
    const missing: number[] = []
    const statuses = new Set<number>()
    for (let round = 1; round <= ROUNDS + WARM_UP_ROUNDS; round++) {
      // Which comes first changes at random, so that neither profits from the other.
      const kinds = Math.random() < 0.5 ? (['known', 'other'] as const) : (['other', 'known'] as const)
      for (const kind of kinds) {
        const from = performance.now()
        const answer = await fetch(`${url}/rpc/${name}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(args(`${kind}-${round}@example.com`)),
        })
        await answer.text()
        const ms = performance.now() - from
        statuses.add(answer.status)
        if (round > WARM_UP_ROUNDS) (kind === 'known' ? known : missing).push(ms)
      }
    }
    const area = areaUnderCurve(known, missing)
    const isFine = area >= LOWEST && area <= HIGHEST && statuses.size === 1
    isOk &&= isFine
    rows.push([
      isFine ? '✓' : '✗',
      name,
      [...statuses].join(', '),
      `${spread(known).p50Ms.toFixed(2)} ms`,
      `${spread(missing).p50Ms.toFixed(2)} ms`,
      area.toFixed(3),
    ])
  }
  console.log(renderTable(['', 'function', 'status', 'existing, median', 'missing, median', 'AUC'], rows))
  console.log(`${ROUNDS} of each; target ${LOWEST} to ${HIGHEST}, one status.`)
  return isOk ? 0 : 1
}
