/** Everybody who attacks: with a token that is theirs, that was theirs, or that is none. */
import { SignJWT } from 'jose'
import type { TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { seedWorld } from './seed-world.ts'

/** One attacker. */
export type Identity = {
  name: string
  token?: string
  /** The database role the token becomes; undefined when the guard has to refuse it. */
  role: 'howdah_anon' | 'howdah_user' | 'howdah_admin' | undefined
  userId?: string
  /** Claims beside role and sub that the token carries. */
  claims?: Record<string, unknown>
  /** What only others may see. */
  forbidden: string[]
}

/** The people of the matrix, their tokens, and whom they attack. */
export type World = {
  identities: Identity[]
  /** Whose rows are attacked. */
  victim: Person
  /** A further session of A for attacks that end a session. */
  freshToken(identity: Identity): Promise<string | undefined>
}

/** Signs people up through the API, seeds rows for them and makes the odd tokens. */
export async function makeWorld(db: TestDatabase, api: TestApi): Promise<World> {
  const [a, b, chief, suspended] = await Promise.all(
    ['a', 'b', 'admin', 'suspended'].map((label) =>
      signUp(api, { email: `canary-${label}-email@example.com` }),
    ),
  )
  if (!a || !b || !chief || !suspended) throw new Error('four people were asked for')
  await db.owner.query(`update core.users set role = 'admin' where id = $1`, [chief.id])
  const labelled = { a, b, admin: chief, suspended }
  const people = Object.entries(labelled).map(([label, { id }]) => ({ id, label }))
  const secrets = await seeded(db, people)

  const signIn = async (person: Person) => {
    const { status, body } = await api.rpc('sign_in', { email: person.email, password: person.password })
    if (status !== 200)
      throw new Error(`sign_in of ${person.email} answered ${status}: ${JSON.stringify(body)}`)
    return String(body.access_token)
  }
  const gone = await signIn(a)
  await api.rpc('sign_out', {}, gone)
  const adminToken = await signIn(chief)
  await db.owner.query(`update core.users set status = 'suspended' where id = $1`, [suspended.id])

  const others = (id?: string) => [...secrets].filter(([owner]) => owner !== id).flatMap(([, words]) => words)
  const odd = await oddTokens(db, a, b)
  const identities: Identity[] = [
    { name: 'anon', role: 'howdah_anon', forbidden: others() },
    { name: 'user A', token: a.token, role: 'howdah_user', userId: a.id, forbidden: others(a.id) },
    { name: 'user B', token: b.token, role: 'howdah_user', userId: b.id, forbidden: others(b.id) },
    { name: 'admin', token: adminToken, role: 'howdah_admin', userId: chief.id, forbidden: others(chief.id) },
    { name: 'A, signed out', token: gone, role: undefined, forbidden: others() },
    { name: 'suspended', token: suspended.token, role: undefined, forbidden: others() },
    ...Object.entries(odd).map(([name, token]) => ({ name, token, role: undefined, forbidden: others() })),
  ]
  const persons = new Map([a, b, chief].map((person) => [person.id, person]))
  return {
    identities,
    victim: b,
    freshToken: async ({ userId, token }) => {
      const person = persons.get(userId ?? '')
      return person ? signIn(person) : token
    },
  }
}

async function seeded(db: TestDatabase, people: { id: string; label: string }[]) {
  const client = await db.superuser.connect()
  try {
    await client.query('begin')
    const secrets = await seedWorld(client, people)
    await client.query('commit')
    return secrets
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Tokens with our signature and claims we would never write. */
async function oddTokens(db: TestDatabase, a: Person, b: Person): Promise<Record<string, string>> {
  const complete = JSON.parse(Buffer.from(a.token.split('.')[1] ?? '', 'base64url').toString())
  const key = new TextEncoder().encode(db.target.secrets.jwt_secret)
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({ ...complete, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(key)
  return {
    'token without role': await sign({ role: undefined }),
    'token without exp': await sign({ exp: undefined }),
    'token for others': await sign({ aud: 'somebody else' }),
    'token of A as admin': await sign({ role: 'howdah_admin' }),
    'token of A naming B': await sign({ sub: b.id }),
    'token without session': await sign({ sid: undefined }),
  }
}
