/** The SDK's validators and Postgres are given the same values and must say the same about each. */
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readModel } from '../../sdk/generator/generate-sdk.ts'
import type { Shape } from '../../sdk/generator/shape/shape.ts'
import { briefingCard } from '../../sdk/src/generated/shapes.ts'
import { columns } from '../../sdk/src/index.ts'
import { bytes, codePoints } from '../../sdk/src/schema/code-points.ts'
import { matches } from '../../sdk/src/schema/matches.ts'
import { text } from '../../sdk/src/schema/text.ts'
import { testDatabase } from '../setup/database.ts'
import { isSeenAlike, serverVersion } from './server-version.ts'
import { valuesFor } from './values.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const VALUES_PER_CHECK = 400
/** A card has a dozen places where one thing can be wrong. */
const VALUES_PER_SHAPE = 1200

/** Values that a check takes which only Postgres knows; chance would hardly find one. */
const FITTING: Record<string, unknown[]> = {
  'identities.email': ['ada@example.com', 'ä@example.com', 'a+b@sub.example.org'],
  'invitations.email': ['ada@example.com', 'a+b@sub.example.org'],
  'organization_domains.domain': ['acme.example', 'xn--bcher-kva.example'],
  'users.email': ['ada@example.com', 'ä@example.com', 'a+b@sub.example.org'],
  'users.timezone': ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'],
}

const version = await serverVersion(db)
const client = await db.owner.connect()
const model = await readModel(client)
client.release()

const named = (name: string): Shape => {
  const found = model.shapes.find((shape) => shape.name === name)
  if (!found) throw new Error(`no shape ${name}`)
  return found.shape
}

/** The generated validator and the model's shape of a view's column. */
function columnOf(seenAs: string): { validator: z.ZodType; shape: Shape } {
  const [view = '', name = ''] = seenAs.split('.')
  const shape = model.views.find((one) => one.name === view)?.columns.find((one) => one.name === name)?.shape
  const validator = (columns as Record<string, Record<string, z.ZodType>>)[view]?.[name]
  if (!shape || !validator) throw new Error(`${seenAs} is not in the generated SDK; run npm run sdk:generate`)
  return { validator, shape }
}

/** What Postgres says about each value, in one query: true, false, or null for a check that does not know. */
async function verdicts(
  table: string,
  column: string,
  expression: string,
  values: unknown[],
): Promise<boolean[]> {
  const { rows: types } = await db.owner.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attname = $2`,
    [table, column],
  )
  const type = types[0]?.type ?? ''
  // As PostgREST reads a body: from JSON into the column's type.
  const { rows } = await db.owner.query<{ verdict: boolean | null }>(
    `select (${expression}) as verdict
     from jsonb_array_elements($1::jsonb) with ordinality as given (row, position),
       lateral jsonb_to_record(given.row) as t ("${column}" ${type})
     order by position`,
    [JSON.stringify(values.map((value) => ({ [column]: value })))],
  )
  // A check that answers null lets the value in.
  return rows.map(({ verdict }) => verdict !== false)
}

const expressionOf = (definition: string) => /^CHECK \((.*)\)( NOT VALID)?$/s.exec(definition)?.[1] ?? ''

/** Values for a column, without null: in a JSON body that is SQL's null, which `.nullable()` says in a row's schema. */
function samplesFor(shape: Shape, seed = Date.now() % 2 ** 31): unknown[] {
  const count = shape.kind === 'named' ? VALUES_PER_SHAPE : VALUES_PER_CHECK
  return fc
    .sample(valuesFor(shape, named), { numRuns: count, seed })
    .filter((value) => value !== null && isSeenAlike(value, version))
}

type Sample = { value: unknown; isAllowed: boolean }

/** The values together with what all the given checks of the column say about them. */
async function judged(
  values: unknown[],
  checks: { table: string; column: string; definition: string }[],
): Promise<Sample[]> {
  const all = await Promise.all(
    checks.map(({ table, column, definition }) => verdicts(table, column, expressionOf(definition), values)),
  )
  return values.map((value, at) => ({ value, isAllowed: all.every((one) => one[at]) }))
}

/** Values about which a validator and Postgres say different things. */
const disagreements = (samples: Sample[], validator: z.ZodType) =>
  samples.filter(({ value, isAllowed }) => validator.safeParse(value).success !== isAllowed)

describe('validators and Postgres', () => {
  let compared = 0
  let accepted = 0

  it.each(model.translated)(
    'agree on $seenAs.0 ($constraint)',
    async ({ table, column, seenAs, definition }) => {
      const { shape } = columnOf(seenAs[0] ?? '')
      // Several checks on one column are one validator.
      const siblings = model.translated.filter((one) => one.table === table && one.column === column)
      const samples = await judged(samplesFor(shape), siblings)
      for (const name of seenAs) {
        const found = disagreements(samples, columnOf(name).validator)
        expect(found.slice(0, 5), `${name} against ${definition}`).toEqual([])
        compared += samples.length
      }
      accepted += samples.filter(({ isAllowed }) => isAllowed).length
      expect(
        new Set(samples.map(({ isAllowed }) => isAllowed)).size,
        'every value got the same verdict',
      ).toBe(2)
    },
  )

  const ofOneColumn = model.untranslated.filter(({ reason }) => !reason.includes('several columns'))
  it.each(ofOneColumn)('differ in one way only on $seenAs.0 ($constraint)', async (check) => {
    const { shape, validator } = columnOf(check.seenAs[0] ?? '')
    const samples = await judged([...samplesFor(shape), ...(FITTING[check.seenAs[0] ?? ''] ?? [])], [check])
    const allowed = samples.filter(({ isAllowed }) => isAllowed)
    expect(allowed.length).toBeGreaterThan(0)
    // What Postgres takes, the validator never refuses.
    expect(disagreements(allowed, validator).slice(0, 5)).toEqual([])
    compared += samples.length
  })

  it('were given enough to disagree about', () => {
    const checks = model.translated.length
    console.log(
      `differential: ${checks} checks, ${compared} values compared, 0 disagreements; ` +
        `${model.untranslated.length} checks are left to Postgres (npm run sdk:doctor)`,
    )
    expect(checks).toBeGreaterThan(20)
    expect(compared).toBeGreaterThan(checks * 300)
    expect(accepted).toBeGreaterThan(compared / 10)
  })
})

describe('the comparison notices', () => {
  const WRONG: { what: string; seenAs: string; validator: z.ZodType }[] = [
    {
      what: 'UTF-16 units for characters',
      seenAs: 'saved_cards.note',
      validator: z.string().refine((note) => note.length <= 2000),
    },
    {
      what: 'characters for bytes',
      seenAs: 'content_items.url',
      validator: text(
        codePoints({ max: 2000 }),
        matches(/^https?:\/\/[^\p{White_Space}/?#]\P{White_Space}*$/u),
      ),
    },
    {
      what: "JavaScript's white space for Postgres's",
      seenAs: 'content_items.url',
      validator: text(bytes({ max: 2000 }), matches(/^https?:\/\/[^\s/?#]\S*$/u)),
    },
    { what: 'a border one off', seenAs: 'saved_cards.note', validator: text(codePoints({ max: 1999 })) },
    {
      what: 'an anchor that lets a line end pass',
      seenAs: 'topics.slug',
      validator: text(matches(/^[a-z][a-z0-9-]{1,39}$/mu)),
    },
    {
      what: 'zod’s dates for days of the calendar',
      seenAs: 'saved_cards.card',
      validator: briefingCard.extend({ published_at: z.iso.datetime({ offset: true }) }),
    },
  ]
  it.each(WRONG)('$what', async ({ seenAs, validator }) => {
    const checks = model.translated.filter((one) => one.seenAs.includes(seenAs))
    expect(checks).not.toEqual([])
    const samples = await judged(samplesFor(columnOf(seenAs).shape, 42), checks)
    expect(disagreements(samples, validator)).not.toEqual([])
  })
})
