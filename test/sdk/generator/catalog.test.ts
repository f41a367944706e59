/** What the generator makes of views, grants, checks and comments. */
import { afterAll, describe, expect, it } from 'vitest'
import { generateSdk } from '../../../sdk/generator/generate-sdk.ts'
import type { ViewModel } from '../../../sdk/generator/model/model.ts'
import { printType } from '../../../sdk/generator/shape/print-type.ts'
import { printZod } from '../../../sdk/generator/shape/print-zod.ts'
import { testDatabase } from '../../setup/database.ts'
import { serverVersion } from '../server-version.ts'
import { modelWith, planted } from './planted.ts'

const db = await testDatabase()
afterAll(() => db.drop())

/** Before 16 Postgres does not note which columns an outer join nulls; then all of its view's may be null. */
const isBlunt = (await serverVersion(db)) < 160_000

const TABLES = `
  create table core.things (
    id uuid primary key default core.new_id(),
    name text not null check (char_length(name) between 2 and 5 and name ~ '^[a-z]+$'),
    size numeric(4, 1) check (size between -2 and 3),
    colour text check (colour in ('red', 'green')),
    level int not null default 1 check (level > 0 and level < 4),
    odd text check (odd ~ '\\d'),
    even int check (even > 1 and even % 2 = 0),
    made timestamptz not null default now(),
    twice int generated always as (level * 2) stored
  );
  create table core.parts (id uuid primary key, thing_id uuid references core.things (id), label text not null);
  grant select, insert (name, size, colour, level), update (size) on core.things to howdah_user;
  grant select on core.parts to howdah_user;`

/** A view with comments on itself and every column, readable by users. */
const view = (name: string, query: string, grants = 'select') => `
  create view api.${name} with (security_invoker = true) as ${query};
  comment on view api.${name} is 'Planted.';
  do $$ declare c text; begin
    for c in select attname from pg_attribute where attrelid = 'api.${name}'::regclass and attnum > 0 loop
      execute format('comment on column api.${name}.%I is %L', c, 'Column ' || c || '.');
    end loop;
  end $$;
  grant ${grants} on api.${name} to howdah_user;`

const nullability = (planted: ViewModel | undefined) =>
  Object.fromEntries((planted?.columns ?? []).map(({ name, isNullable }) => [name, isNullable]))

async function planting(name: string, query: string, more = ''): Promise<ViewModel> {
  const model = await modelWith(db, `${TABLES}${view(name, query)}${more}`)
  const found = model.views.find((one) => one.name === name)
  if (!found) throw new Error(`no view ${name}`)
  return found
}

describe('nullability', () => {
  it.each([
    ['a plain column', 'select id, size from core.things', { id: false, size: true }],
    [
      'the outer side of a join',
      'select t.name, p.label from core.things t left join core.parts p on p.thing_id = t.id',
      { name: isBlunt, label: true },
    ],
    [
      'the inner side of a join',
      'select t.name, p.label from core.parts p join core.things t on p.thing_id = t.id',
      { name: false, label: false },
    ],
    [
      'a full join',
      'select t.name, p.label from core.things t full join core.parts p on p.thing_id = t.id',
      { name: true, label: true },
    ],
    [
      'a view with a sub-query beside it',
      'select name, (select label from core.parts limit 1) as label from core.things where made > (select now())',
      { name: false, label: true },
    ],
    ['an expression', 'select name || name as name from core.things', { name: true }],
    ['a union', 'select name from core.things union select label from core.parts', { name: true }],
    ['a group', 'select name, count(*) as many from core.things group by name', { name: false, many: true }],
    [
      'grouping sets',
      'select name, level from core.things group by grouping sets ((name), (level))',
      { name: true, level: true },
    ],
    ['a sub-query in from', 'select s.name from (select name from core.things) s', { name: true }],
    ['a view on a view', 'select slug, name from api.topics', { slug: false, name: false }],
  ])('of %s', async (_, query, expected) => {
    expect(nullability(await planting('planted', query))).toEqual(expected)
  })

  it('can be declared with @notNull where the catalog cannot prove it', async () => {
    const more = `comment on column api.planted.many is E'How many.\\n\\n@notNull';`
    const found = await planting(
      'planted',
      'select name, count(*) as many from core.things group by name',
      more,
    )
    expect(nullability(found)).toEqual({ name: false, many: false })
    expect(found.columns.find(({ name }) => name === 'many')?.doc).toBe('How many.')
  })
})

describe('writing', () => {
  it('is what users may do, with the defaults of the table behind', async () => {
    const query = 'select id, name, size, colour, level, made, twice from core.things'
    const grants = 'select, insert (name, size, level, made), update (size, name)'
    const model = await modelWith(db, `${TABLES}${view('planted', query, grants)}`)
    const columns = model.views.find(({ name }) => name === 'planted')?.columns ?? []
    expect(
      Object.fromEntries(columns.map(({ name, insert, isUpdatable }) => [name, `${insert} ${isUpdatable}`])),
    ).toEqual({
      id: 'never false',
      name: 'required false',
      size: 'optional true',
      colour: 'never false',
      level: 'optional false',
      made: 'never false',
      twice: 'never false',
    })
  })

  it('is printed as types that leave no other way', async () => {
    const query = 'select id, name, size, level from core.things'
    const files = await planted(
      db,
      `${TABLES}${view('planted', query, 'select, insert (name, size, level), update (size)')}`,
      generateSdk,
    )
    const types = files.find(({ path }) => path.endsWith('database.ts'))?.text ?? ''
    const [, block = ''] = /planted: \{\n(.*?)Relationships/s.exec(types) ?? []
    expect(block.replaceAll(/^ +| *\/\*\*.*$/gm, '').replaceAll(/\n+/g, '\n')).toBe(
      [
        'Row: {',
        'id: string',
        'level: number',
        'name: string',
        'size: number | null',
        '}',
        'Insert: {',
        'id?: never',
        'level?: number',
        'name: string',
        'size?: number | null',
        '}',
        'Update: {',
        'id?: never',
        'level?: never',
        'name?: never',
        'size?: number | null',
        '}',
        '',
      ].join('\n'),
    )
  })
})

describe('checks', () => {
  it('narrow the shapes of the columns they guard, exactly or not at all', async () => {
    const query = 'select name, size, colour, level, odd, even from core.things'
    const model = await modelWith(db, `${TABLES}${view('planted', query)}`)
    const columns = model.views.find(({ name }) => name === 'planted')?.columns ?? []
    expect(Object.fromEntries(columns.map(({ name, shape }) => [name, printZod(shape)]))).toEqual({
      name: 'text(codePoints({ min: 2, max: 5 }), matches(/^[a-z]+$/u))',
      // numeric(4, 1) rounds -2.05 to -2.1 and 3.04 to 3.0 before the check sees it.
      size: 'z.number().gt(-2.05).lt(3.05)',
      colour: 'z.enum(["red","green"])',
      level: 'z.int32().gt(0).lt(4)',
      odd: 'text()',
      even: 'z.int32().gt(1)',
    })
    const colour = columns.find(({ name }) => name === 'colour')
    expect(colour && printType(colour.shape)).toBe('"red" | "green"')
    const reasons = model.untranslated.filter(({ table }) => table === 'core.things')
    expect(Object.fromEntries(reasons.map(({ column, reason }) => [column, reason]))).toEqual({
      even: 'the operator = has no translation here',
      odd: expect.stringContaining('\\d'),
    })
  })
})

describe('the generator', () => {
  it('prints the same again', async () => {
    const [first, second] = [
      await planted(db, 'select 1', generateSdk),
      await planted(db, 'select 1', generateSdk),
    ]
    expect(second).toEqual(first)
    expect(first.map(({ path }) => path.replace(/.*\//, ''))).toEqual([
      'database.ts',
      'errors.ts',
      'schemas.ts',
      'shapes.ts',
    ])
    for (const { text } of first)
      expect(text).toMatch(/^\/\/ @generated by npm run sdk:generate .*; do not edit\n/)
  })

  it('leaves out what no web role can reach', async () => {
    const hidden = view('hidden', 'select 1 as one').replace('to howdah_user', 'to howdah_readonly')
    const model = await modelWith(
      db,
      `${hidden} create function api.hidden() returns int language sql return 1; comment on function api.hidden() is 'Hidden.';`,
    )
    expect(model.views.map(({ name }) => name)).not.toContain('hidden')
    expect(model.functions.map(({ name }) => name)).not.toContain('hidden')
    expect(model.functions.map(({ name }) => name)).toContain('sign_in')
  })

  const fn = (rest: string, comment: string | null) =>
    `create function api.planted(${rest};
     ${comment === null ? '' : `comment on function api.planted is ${comment};`}
     grant execute on function api.planted to howdah_user;`

  it.each([
    [
      'a view without a comment',
      `${view('planted', 'select 1 as one')} comment on view api.planted is null;`,
      /view api.planted has no comment/,
    ],
    [
      'a column without a comment',
      `${view('planted', 'select 1 as one')} comment on column api.planted.one is null;`,
      /column api.planted.one has no comment/,
    ],
    [
      'a function without a comment',
      fn(') returns int language sql return 1', null),
      /function api.planted has no comment/,
    ],
    [
      'a tag that nobody knows',
      fn(') returns int language sql return 1', `E'Planted.\\n@retuns core.x'`),
      /@retuns core.x/,
    ],
    [
      'a shape that does not exist',
      fn(`) returns jsonb language sql return '{}'::jsonb`, `E'P.\\n@returns core.nothing_schema'`),
      /core.nothing_schema\(\), but no such function/,
    ],
    [
      'a shape of something else',
      fn(') returns int language sql return 1', `E'P.\\n@returns core.session_answer_schema'`),
      /returns int4, not jsonb/,
    ],
    [
      'a function that exists twice',
      `${fn('a int) returns int language sql return 1', `'P.'`)} create function api.planted(b text) returns int language sql return 1; grant execute on all functions in schema api to howdah_user;`,
      /exists twice/,
    ],
    ['an argument without a name', fn('int) returns int language sql return 1', `'P.'`), /has no name/],
    ['a type without a shape', fn(`) returns point language sql return point '(0,0)'`, `'P.'`), /type point/],
  ])('refuses %s', async (_, sql, sentence) => {
    await expect(modelWith(db, sql)).rejects.toThrow(sentence)
  })

  it('notes functions whose jsonb says nothing about its shape', async () => {
    const model = await modelWith(db, fn(`) returns jsonb language sql return '{}'::jsonb`, `'P.'`))
    expect(model.shapeless).toEqual(['planted'])
  })

  it('leaves out a function that answers in a media type of its own', async () => {
    const own = fn(`) returns core."*/*" language sql return 'x'::core."*/*"`, `'P.'`)
    expect((await modelWith(db, own)).functions.map(({ name }) => name)).not.toContain('planted')
    const plain = fn(`) returns text language sql return 'x'`, `'P.'`)
    expect((await modelWith(db, plain)).functions.map(({ name }) => name)).toContain('planted')
  })
})
