/** Identities through the SDK: in by an issuer's word, linked, unlinked. */
import { afterAll, expect, it } from 'vitest'
import { createClient, orThrow } from '../../sdk/src/index.ts'
import { believe, makeIssuer, person } from '../db/core/identities/issuer.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

it('signs in by an issuer, links a second identity and takes it away again', async () => {
  const issuer = await makeIssuer()
  await believe(db, issuer)
  const client = createClient({ url: api.url })
  const token = await issuer.token({ ...person('ada'), nonce: 'once' })
  const session = await orThrow(client.auth.signInWithIdentity({ token, nonce: 'once', deviceName: 'Phone' }))
  expect((await client.auth.getSession())?.user.email).toBe('ada@example.com')
  expect(session.user.display_name).toBe('ada')

  const proof = () => issuer.token(person('ada'))
  await orThrow(
    client.auth.linkIdentity({ token: await issuer.token(person('ada-2')), password: await proof() }),
  )
  const identities = await orThrow(client.from('identities').select('id, email').order('created_at'))
  expect(identities.map(({ email }) => email)).toEqual(['ada@example.com', 'ada-2@example.com'])
  await orThrow(client.auth.unlinkIdentity(identities[1]?.id ?? '', await proof()))
  const last = await client.auth.unlinkIdentity(identities[0]?.id ?? '', await proof())
  expect(last.error?.key).toBe('identity_is_last_way_in')
})
