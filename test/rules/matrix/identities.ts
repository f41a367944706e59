/** Everybody who attacks: with a token that is theirs, that was theirs, or that is none. */
import type { TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import type { Person } from '../../setup/story.ts'
import { oddClaims, rejectedTokens, signer } from './odd-tokens.ts'
import { CAST, forbiddenWords, organizationsOf, type Part, SUSPENDED } from './people.ts'
import type { Keys } from './seed-world.ts'
import { seededCast } from './seeded-cast.ts'

/** One attacker. */
export type Identity = {
  name: string
  token?: string
  /** The database role the token becomes; undefined when the guard has to refuse it. */
  role: 'howdah_anon' | 'howdah_user' | 'howdah_admin' | undefined
  userId?: string
  /** Claims beside role and sub that the token carries. */
  claims?: Record<string, unknown>
  /** Whom they attack, by name. */
  victim: string
  /** Has rows in every view, so each verb that is granted must be seen to work. (Default: false) */
  owesControls?: boolean
  /** What only others may see. */
  forbidden: string[]
}

/** The people of the matrix, their tokens, and whom they attack. */
export type World = {
  identities: Identity[]
  /** Whose rows are attacked. */
  victim: Person
  /** The identity in a session of its own, where it has any: some functions end the others. */
  renewed(identity: Identity): Promise<Identity>
}

/** Signs the cast up through the API, seeds rows for them and makes the odd tokens. */
export async function makeWorld(db: TestDatabase, api: TestApi): Promise<World> {
  const { people, keys } = await seededCast(db, api)
  const person = (label: string) => {
    const found = people.get(label)
    if (!found) throw new Error(`nobody was signed up as ${label}`)
    return found
  }
  await db.owner.query(`update core.users set role = 'admin' where id = $1`, [person('admin').id])
  const signIn = async ({ email, password }: Person) => {
    const { status, body } = await api.rpc('sign_in', { email, password })
    if (status !== 200) throw new Error(`sign_in of ${email} answered ${status}: ${JSON.stringify(body)}`)
    return String(body.access_token)
  }
  const [a, b] = [person('a'), person('b')]
  const gone = await signIn(a)
  await api.rpc('sign_out', {}, gone)
  const adminToken = await signIn(person('admin'))
  await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [person(SUSPENDED).id])

  const outsider = { victim: 'user B', forbidden: forbiddenTo(undefined, keys) }
  const identities: Identity[] = [{ name: 'anon', role: 'howdah_anon', owesControls: true, ...outsider }]
  for (const part of CAST.filter(({ label }) => label !== SUSPENDED)) {
    const { id, token } = person(part.label)
    identities.push({
      name: part.name,
      token: part.label === 'admin' ? adminToken : token,
      role: part.label === 'admin' ? 'howdah_admin' : 'howdah_user',
      userId: id,
      victim: part.victim,
      owesControls: part.ownsOne,
      forbidden: forbiddenTo(part, keys),
    })
  }
  const ofA = identities.find(({ name }) => name === 'user A')
  if (!ofA) throw new Error('the cast has no user A')
  const odd = Object.entries(oddClaims(keys.ofOrganization.get('b')?.[0] ?? ''))
  for (const [name, claims] of odd) {
    const token = await signer(db, a)(claims)
    identities.push({ ...ofA, owesControls: false, name, claims, token })
  }
  identities.push(
    { name: 'A, signed out', token: gone, role: undefined, ...outsider },
    { name: 'suspended', token: person(SUSPENDED).token, role: undefined, ...outsider },
  )
  for (const [name, token] of Object.entries(await rejectedTokens(db, a, b))) {
    identities.push({ name, token, role: undefined, ...outsider })
  }
  const byId = new Map([...people.values()].map((one) => [one.id, one]))
  return {
    identities,
    victim: b,
    renewed: async (identity) => {
      const found = identity.role && byId.get(identity.userId ?? '')
      if (!found || (await api.get('/sessions?limit=1', identity.token)).status === 200) return identity
      // Others have tried to guess this password, and used up the attempts.
      await db.superuser.query('delete from private.attempts')
      const token = await signIn(found)
      return { ...identity, token: identity.claims ? await signer(db, { token })(identity.claims) : token }
    },
  }
}

function forbiddenTo(part: Part | undefined, keys: Keys): string[] {
  const mine = part ? organizationsOf(part) : {}
  const words = forbiddenWords(part)
  for (const other of CAST.filter(({ label }) => label !== part?.label)) {
    const [id, ...rows] = keys.ofPerson.get(other.label) ?? []
    const isFellow = Object.keys(organizationsOf(other)).some((organization) => organization in mine)
    words.push(...rows, ...(isFellow || id === undefined ? [] : [id]))
  }
  for (const [label, ids] of keys.ofOrganization) {
    const [closed, owner] = label.startsWith('closed ') ? [true, label.slice(7)] : [false, label]
    const isOpen = closed ? ['owner', 'admin'].includes(mine[owner] ?? '') : owner in mine
    if (!isOpen) words.push(...ids)
  }
  return words
}
