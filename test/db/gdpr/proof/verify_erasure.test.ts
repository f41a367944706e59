/** G-05: an erasure is searched after in every relation and form; what stays is named, what slipped through is found. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededCast } from '../../../rules/matrix/seeded-cast.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  ada = (await seededCast(db, api)).people.get('member-a') as Person
  await db.owner.query('analyze')
})
afterAll(() => db.drop())

type Proof = {
  hits: { relation: string; origin: string; form: string }[]
  kept: { column: string; reason: string }[]
  words: { searched: number; forms: number; shared_with_others: number }
  relations: Record<string, number>
}

/** Erases in one way or another, verifies, and takes everything back. */
async function afterwards(userId: string, ...statements: string[]): Promise<Proof> {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; set local session authorization howdah_migrations')
    const { rows } = await client.query('select gdpr.record_erasure($1) as id', [userId])
    for (const sql of statements) await client.query(sql.replaceAll('$1', `'${userId}'`))
    return (await client.query('select gdpr.verify_erasure($1) as proof', [rows[0].id])).rows[0].proof
  } finally {
    await client.query('rollback')
    client.release()
  }
}
const ERASE = 'select gdpr.erase_account($1)'

test('a plain delete is no erasure: the log and the planner remember', async () => {
  const { hits } = await afterwards(ada.id, 'delete from core.users where id = $1')
  const found = [...new Set(hits.map(({ relation }) => relation))]
  expect(found).toContain('pg_catalog.pg_stats')
  expect(found.some((name) => name.startsWith('core.audit_log_'))).toBe(true)
})

const PLANTED: [string, string, string][] = [
  [
    'the address in a job',
    'plain',
    `select core.enqueue_job('core/seal_audit', jsonb_build_object('for', email)) from u`,
  ],
  ['in capitals', 'plain', `insert into leak (words) select upper(email) from u`],
  ['its MD5', 'md5', `insert into leak (words) select md5(email) from u`],
  ['the MD5 of its capitals', 'md5', `insert into leak (words) select md5(upper(email)) from u`],
  ['its SHA-1 as bytes', 'sha1', `insert into leak (bytes) select extensions.digest(email, 'sha1') from u`],
  [
    'its SHA-256 in Base64',
    'sha256 base64',
    `insert into leak (words) select encode(sha256(email::bytea), 'base64') from u`,
  ],
  [
    'its SHA-256 in Base64 for URLs',
    'sha256 base64url',
    `insert into leak (words) select core.base64url(sha256(email::bytea)) from u`,
  ],
  ['the address as bytes', 'hex', `insert into leak (bytes) select convert_to(email, 'UTF8') from u`],
  [
    'in Base64, in the midst of a text',
    'base64',
    `insert into leak (words) select encode(('to: ' || email || ' x')::bytea, 'base64') from u`,
  ],
  ['in a URL', 'url', `insert into leak (words) select '/a?b=' || replace(email, '@', '%40') from u`],
  ['backwards', 'reversed', `insert into leak (words) select reverse(email) from u`],
  [
    'the hash of Postgres',
    'hash of Postgres',
    `insert into leak (words) select hashtextextended(email, 0)::text from u`,
  ],
  [
    'the name inside JSON',
    'plain',
    `insert into leak (json) select jsonb_build_object('a', array['x ' || full_name]) from u`,
  ],
  ['the id in an array', 'plain', `insert into leak (list) select array[id::text] from u`],
  [
    'the id as bytes',
    'hex',
    `insert into leak (bytes) select decode(replace(id::text, '-', ''), 'hex') from u`,
  ],
  ['a comment', 'plain', 'select core.plant_comment(email) from u'],
]

test.each(PLANTED)('finds %s (%s)', async (_what, form, plant) => {
  const { hits } = await afterwards(
    ada.id,
    'create table core.leak (words text, bytes bytea, json jsonb, list text[])',
    // Within a function: the server keeps statements such as a comment with every word, to count them.
    `create function core.plant_comment(word text) returns void language plpgsql
     as $f$ begin execute format('comment on table core.leak is %L', word); end $f$`,
    plant.replaceAll('into leak', 'into core.leak').replaceAll(' from u', ' from core.users where id = $1'),
    ERASE,
  )
  expect(hits.length).toBeGreaterThan(0)
  expect(hits.map((hit) => hit.form)).toContain(form)
  expect(JSON.stringify(hits)).not.toContain(ada.email)
})

test('a name that somebody else has too proves nothing; an address does', async () => {
  const other = await signUp(api, { display_name: 'Ottoline Quartermaine' })
  const same = await signUp(api, { display_name: 'Ottoline Quartermaine' })
  const proof = await afterwards(same.id, ERASE)
  expect(proof.hits).toEqual([])
  expect(proof.words.shared_with_others).toBeGreaterThan(0)
  const leak = await afterwards(
    same.id,
    `update core.users set full_name = '${same.email}' where id = '${other.id}'`,
    ERASE,
  )
  expect(leak.hits.map(({ origin }) => origin)).toContain('core.users.email')
})

test('nothing is proven of somebody who lives, nor when a crash has emptied the list of words', async () => {
  await expect(afterwards(ada.id)).rejects.toMatchObject({ message: 'erasure_not_done' })
  const { hits } = await afterwards(ada.id, ERASE, 'truncate private.erasure_words')
  expect(hits.map(({ form }) => form)).toEqual(['lost'])
  await expect(db.owner.query('select gdpr.verify_erasure(gen_random_uuid())')).rejects.toMatchObject({
    message: 'erasure_not_found',
  })
})

test('something found: the words stay for the next search; nothing found: they go, and the log verifies (T-08)', async () => {
  await db.superuser.query('create table core.leak (words text)')
  await db.superuser.query('grant select on core.leak to howdah_migrations')
  await db.superuser.query('insert into core.leak select md5(email) from core.users where id = $1', [ada.id])
  await db.owner.query('select gdpr.erase_account($1)', [ada.id])
  const { rows } = await db.owner.query('select id from gdpr.erasure_ledger where user_id = $1', [ada.id])
  const verify = async () =>
    (await db.as('howdah_worker').query('select gdpr.verify_erasure($1) as proof', [rows[0].id])).rows[0]
      .proof as Proof
  const words = async () =>
    (await db.owner.query('select count(*)::int as count from private.erasure_words')).rows[0].count
  const state = async () =>
    (await db.owner.query('select state from gdpr.erasure_ledger where id = $1', [rows[0].id])).rows[0].state

  expect((await verify()).hits).toMatchObject([{ relation: 'core.leak', form: 'md5' }])
  expect([await state(), (await words()) > 40]).toEqual(['failed', true])
  await expect(db.owner.query('select gdpr.erasure_certificate($1)', [rows[0].id])).rejects.toMatchObject({
    message: 'erasure_not_proven',
  })
  const metric = await db.owner.query(
    `select value::int from gdpr.measure_erasures() where metric = 'erasures_failed'`,
  )
  expect(metric.rows).toEqual([{ value: 1 }])

  await db.superuser.query('drop table core.leak')
  const proof = await verify()
  expect(proof.hits).toEqual([])
  expect([await state(), await words()]).toEqual(['verified', 0])
  expect(proof.kept.map(({ column }) => column)).toContain('core.users.id')
  expect(proof.kept.every(({ reason }) => reason.length > 20)).toBe(true)
  expect(Object.keys(proof.relations)).toContain('graphile_worker._private_jobs')
  expect(proof.words.searched).toBeGreaterThan(40)
  console.log(
    `searched ${proof.words.searched} words in ${proof.words.forms} forms, ${Object.keys(proof.relations).length} relations`,
  )
  await sealAll(db)
  expect((await db.owner.query('select is_ok from ops.verify_audit()')).rows).toEqual([{ is_ok: true }])
})

test('words are forgotten after a week, whatever was found', async () => {
  const gone = await signUp(api)
  await db.owner.query('select gdpr.erase_account($1)', [gone.id])
  await db.as('howdah_worker').query('select gdpr.forget_erasure_words()')
  expect((await db.owner.query('select from private.erasure_words')).rowCount).toBeGreaterThan(0)
  await db.owner.query(`update gdpr.erasure_ledger set erased_at = erased_at - interval '8 days'`)
  await db.as('howdah_worker').query('select gdpr.forget_erasure_words()')
  expect((await db.owner.query('select from private.erasure_words')).rowCount).toBe(0)
})
