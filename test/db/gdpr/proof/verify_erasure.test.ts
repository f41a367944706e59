/** G-05: an erasure is searched after, in every relation and form; what stays is named, and what slipped through is found. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import type { Person } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let people: ReadonlyMap<string, Person>
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  people = (await seededCast(db, api)).people
  await db.owner.query('analyze')
})
afterAll(() => db.drop())

test('erased and searched', async () => {
  const ada = people.get('member-a') as Person
  await db.owner.query('select erase_user($1)', [ada.email])
  console.time('verify')
  const { rows } = await db.owner.query('select gdpr.verify_erasure(id) as proof from gdpr.erasure_ledger').catch((e) => { console.log(e.where); throw e })
  console.timeEnd('verify')
  console.log(JSON.stringify(rows[0].proof, null, 1))
})
