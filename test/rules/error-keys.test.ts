/** Law "comments", the half about errors: keys that are raised, keys of the catalogue and keys that comments promise agree. */
import { globSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { raisedKeys } from '../check/sql/error-keys.ts'
import { parseFile } from '../check/sql/parse.ts'
import { readSqlFiles, type SqlFile } from '../check/sql/sql-file.ts'
import { testDatabase } from '../setup/database.ts'
import { OUR_FUNCTION } from './catalog/ours.ts'

const db = await testDatabase()
afterAll(() => db.drop())

type Entry = { key: string; status: number; summary: string; hint: string }
const { rows: catalogue } = await db.owner.query<Entry>('select * from core.error_catalogue()')
/** Keys for what PostgREST and Postgres refuse by themselves. */
const { rows: codes } = await db.owner.query<{ code: string; key: string }>(
  'select * from core.error_codes()',
)
const mapped = new Set(codes.map(({ key }) => key))

/** Keys of the worker: it refuses feeds before SQL sees them, with sentences and remedies from the same catalogue. */
const ofWorker = new Set(
  globSync('worker/**/*.ts').flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/new WorkerError\(\s*'(feed_[a-z_]+)'/g)].map(([, key]) => key),
  ),
)

/** Sentences about every disagreement between raises and catalogue. */
function disagreements(files: SqlFile[], keys: string[]): string[] {
  const raised = raisedKeys(files.map(parseFile))
  return [
    ...raised
      .filter(({ key }) => !keys.includes(key))
      .map(
        ({ key, file, line }) => `${file}:${line} raises ${key}, which core.error_catalogue() does not have`,
      ),
    ...codes
      .filter(({ key }) => !keys.includes(key))
      .map(
        ({ code, key }) =>
          `core.error_codes() maps ${code} to ${key}, which core.error_catalogue() does not have`,
      ),
    ...keys
      .filter((key) => !mapped.has(key) && !ofWorker.has(key) && !raised.some((call) => call.key === key))
      .map((key) => `core.error_catalogue() has ${key}, which nothing raises`),
  ]
}

const fixtures = readSqlFiles().filter(({ kind }) => kind === 'fixture')
const keys = catalogue.map(({ key }) => key)

/** `Errors: key (status), key (status).` in a comment; the list ends with a full stop or a blank line. */
function promised(comment: string): { key: string; status: number }[] {
  const list = /Errors:([\s\S]*?)(?:\.\s|\.$|\n\s*\n|$)/.exec(comment)?.[1] ?? ''
  return [...list.matchAll(/([a-z_]+)\s+\((\d{3})\)/g)].map((match) => ({
    key: match[1] ?? '',
    status: Number(match[2]),
  }))
}

describe('error keys', () => {
  it('raised in fixtures are those of core.error_catalogue()', () => {
    console.log(
      `error keys: ${raisedKeys(fixtures.map(parseFile)).length} raises, ${keys.length} in the catalogue`,
    )
    expect(keys.length).toBeGreaterThan(10)
    expect(disagreements(fixtures, keys)).toEqual([])
  })

  it('are found wherever they are raised', () => {
    const seed = (body: string): SqlFile[] => [
      ...fixtures,
      { path: 'seed.sql', kind: 'fixture', text: `create function core.seed() returns void ${body};` },
    ]
    const bodies = [
      `language plpgsql as $$ begin perform core.raise_error('seed_key'); end $$`,
      `language plpgsql as $$ declare v text; begin v := core.error_response('seed_key', 'x')::text; end $$`,
      `language plpgsql as $$ begin if true then perform core.error_response(case when true then 'seed_key' else 'email_taken' end); end if; end $$`,
      `language sql begin atomic select core.raise_error('seed_key'); end`,
      `language sql as $$ select core.raise_error('seed_key') $$`,
    ]
    for (const body of bodies) expect(disagreements(seed(body), keys), body).toHaveLength(1)
    expect(disagreements(fixtures, [...keys, 'never_raised'])).toHaveLength(1)
  })

  it('say what happened and what to do, with a status of 4xx unless the server itself fails', () => {
    const wrong = catalogue.filter(
      ({ key, status, summary, hint }) =>
        !/^[a-z][a-z0-9_]+$/.test(key) ||
        status < 400 ||
        status > (mapped.has(key) ? 599 : 499) ||
        !/^[A-Z].*\.$/s.test(summary) ||
        !/^[A-Za-z].*\.$/s.test(hint),
    )
    expect(wrong).toEqual([])
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('that comments promise are in the catalogue, with that status', async () => {
    const { rows } = await db.owner.query<{ name: string; comment: string }>(
      `select p.oid::regprocedure::text as name, obj_description(p.oid, 'pg_proc') as comment
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}`,
    )
    const promises = rows.flatMap(({ name, comment }) =>
      promised(comment ?? '').map((promise) => ({ name, ...promise })),
    )
    console.log(`error keys: ${promises.length} promised by comments`)
    expect(promises.length).toBeGreaterThan(10)
    const broken = promises.filter(
      ({ key, status }) => catalogue.find((entry) => entry.key === key)?.status !== status,
    )
    expect(broken).toEqual([])
    expect(promised('Errors: no_such (404).')).toEqual([{ key: 'no_such', status: 404 }])
  })
})
