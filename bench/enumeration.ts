/**
 * npm run bench:enumeration: can a stranger tell from the time of an answer whether an address has an account?
 * Asks for existing and missing addresses in turn. Needs four to six minutes and cleans up after itself.
 */
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { type Pair, ROUNDS, tellApart, WARM_UP_ROUNDS } from './tell-apart.ts'
import { withThrowawayApi } from './throwaway-api.ts'

const PASSWORD = 'correct horse battery'
const pair = (name: string, args: (email: string) => object): Pair => ({
  name,
  known: (round) => args(`known-${round}@example.com`),
  missing: (round) => args(`other-${round}@example.com`),
})
const PAIRS: readonly Pair[] = [
  pair('request_password_reset', (email) => ({ email })),
  pair('sign_in', (email) => ({ email, password: 'not the password' })),
  pair('sign_up', (email) => ({ email, password: PASSWORD })),
]

try {
  process.exitCode = await withThrowawayApi(prepare, (url) => tellApart(url, PAIRS))
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
