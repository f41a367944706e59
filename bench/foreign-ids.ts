/**
 * npm run bench:foreign-ids: can somebody tell from the time of an answer whether another organization has a row with
 * this id? Asks for existing and missing ids in turn. Needs half a minute and cleans up after itself.
 */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type Target, urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import { printError } from '../stack/terminal/print-error.ts'
import { ROUNDS, tellApart, WARM_UP_ROUNDS } from './tell-apart.ts'
import { withThrowawayApi } from './throwaway-api.ts'

const ids = z.object({
  organizations: z.array(z.string()),
  teams: z.array(z.string()),
  workspaces: z.array(z.string()),
})
let foreign: z.infer<typeof ids>

try {
  process.exitCode = await withThrowawayApi(prepare, async (url) => {
    const rename = (key: string, known: string[]) => ({
      name: `update_${key.slice(0, -3)}`,
      known: (round: number) => ({ [key]: known[round - 1], name: 'Mine' }),
      missing: () => ({ [key]: randomUUID(), name: 'Mine' }),
    })
    const pairs = [
      rename('organization_id', foreign.organizations),
      rename('team_id', foreign.teams),
      rename('workspace_id', foreign.workspaces),
    ]
    return tellApart(url, pairs, await signUp(url))
  })
} catch (error) {
  printError(error)
  process.exitCode = 1
}

/** As many organizations of strangers as there are rounds, each with a team and a workspace. */
async function prepare(target: Target): Promise<void> {
  await withClient(urlFor(target, 'howdah_migrations'), async (owner) => {
    const { rows } = await owner.query(
      `with o as (
         insert into core.organizations (name, slug) select 'Theirs', format('theirs-%s', n) from generate_series(1, $1::int) n
         returning id
       ), t as (insert into core.teams (organization_id, name) select id, 'Team' from o returning id
       ), w as (
         insert into core.workspaces (organization_id, name, slug) select id, 'Space', 'space' from o returning id
       )
       select array(select id from o) as organizations, array(select id from t) as teams, array(select id from w) as workspaces`,
      [ROUNDS + WARM_UP_ROUNDS],
    )
    foreign = ids.parse(rows[0])
    await owner.query('analyze core.organizations, core.teams, core.workspaces')
  })
}

/** The token of somebody with an organization of their own. */
async function signUp(url: string): Promise<string> {
  const call = async (name: string, args: object, token?: string) => {
    const answer = await fetch(`${url}/rpc/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(args),
    })
    return answer.json()
  }
  const answer = await call('sign_up', { email: 'me@example.com', password: 'correct horse battery' })
  const { access_token } = z.object({ access_token: z.string() }).parse(answer)
  await call('create_organization', { name: 'Mine', slug: 'mine-alone' }, access_token)
  return access_token
}
