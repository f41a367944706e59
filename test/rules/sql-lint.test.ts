/** The lint of SQL files bites: each rule has a seeded defect, and a clean pair of files raises nothing. */
import { describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { blankFindings } from '../check/sql/blank.ts'
import { printFinding } from '../check/sql/finding.ts'
import { lintSql } from '../check/sql/lint-sql.ts'
import { readSqlFiles, type SqlFile } from '../check/sql/sql-file.ts'
import { runSquawk } from '../check/sql/squawk.ts'

const FUNCTION = `-- Says hello.
create or replace function core.hello(name text)
  returns text
  language sql
  immutable
return 'hello ' || hello.name;
revoke all on function core.hello(text) from public;
`
const INDEX = '--!include core/hello.sql\n'

/** A project of index.sql, one more fixture and whatever else is given. */
function project(fixture: string, ...others: SqlFile[]): SqlFile[] {
  return [
    { path: 'migrations/fixtures/index.sql', kind: 'fixture', text: INDEX },
    { path: 'migrations/fixtures/core/hello.sql', kind: 'fixture', text: fixture },
    ...others,
  ]
}

function rulesBroken(files: SqlFile[]): string[] {
  return [...new Set(lintSql(files, []).findings.map(({ rule }) => rule))]
}

const plpgsql = (body: string, options = 'set search_path = pg_catalog, pg_temp') => `
create or replace function core.hello(name text) returns void language plpgsql ${options} as $$
${body}
$$;
revoke all on function core.hello(text) from public;
`
const elsewhere = (kind: SqlFile['kind'], text: string): SqlFile => ({ path: `${kind}.sql`, kind, text })

const SEEDS: [rule: string, defect: string, files: SqlFile[]][] = [
  ['stateless', 'a table', project(`${FUNCTION}create table core.t (id int);`)],
  ['stateless', 'data', project(`${FUNCTION}insert into core.users (email) values ('a@b.cc');`)],
  ['stateless', 'data by a select', project(`${FUNCTION}select core.fill_tables();`)],
  ['stateless', 'a dropped function', project(`drop function if exists core.old();${FUNCTION}`)],
  ['stateless', 'cascade', project(`drop policy if exists p on core.t cascade;${FUNCTION}`)],
  ['stateless', 'cascade of a revoke', project(`${FUNCTION}revoke all on core.t from howdah_user cascade;`)],
  ['stateless', 'create without replace', project(FUNCTION.replace('or replace ', ''))],
  ['stateless', 'an added column', project(`${FUNCTION}alter table core.users add column x int;`)],
  ['stateless', 'a do block', project(`${FUNCTION}do $$ begin delete from core.users; end $$;`)],
  [
    'stateless',
    'a declaration outside registry.sql',
    project(`${FUNCTION}select gdpr.declare_columns('core.users');`),
  ],
  ['complete', 'one function twice', project(FUNCTION + FUNCTION)],
  [
    'complete',
    'an include of nothing',
    [{ path: 'migrations/fixtures/index.sql', kind: 'fixture', text: INDEX }],
  ],
  [
    'complete',
    'a fixture nobody includes',
    [...project(FUNCTION), { path: 'migrations/fixtures/core/x.sql', kind: 'fixture', text: '' }],
  ],
  [
    'complete',
    'a file included twice',
    [
      { path: 'migrations/fixtures/index.sql', kind: 'fixture', text: INDEX + INDEX },
      { path: 'migrations/fixtures/core/hello.sql', kind: 'fixture', text: FUNCTION },
    ],
  ],
  ['complete', 'a function in a migration', project(FUNCTION, elsewhere('current', FUNCTION))],
  ['complete', 'a name without schema', project(FUNCTION.replaceAll('core.hello', 'hello'))],
  ['revoke', 'a function without a revoke', project(FUNCTION.replace(/revoke[^;]*;/, ''))],
  [
    'revoke',
    'a revoke of another overload',
    project(FUNCTION.replace('hello(text) from', 'hello(int) from')),
  ],
  ['revoke', 'a revoke from somebody else', project(FUNCTION.replace('from public', 'from howdah_user'))],
  ['search_path', 'plpgsql without a path', project(plpgsql('begin end', ''))],
  ['search_path', 'the empty path', project(plpgsql('begin end', "set search_path = ''"))],
  [
    'search_path',
    'a path with public',
    project(plpgsql('begin end', 'set search_path = pg_catalog, public, pg_temp')),
  ],
  ['search_path', 'a string body', project(FUNCTION.replace(/return '.*;/, () => 'as $$ select 1 $$;'))],
  ['search_path', 'set in a migration', project(FUNCTION, elsewhere('current', 'set search_path = core;'))],
  [
    'search_path',
    'set by set_config',
    project(FUNCTION, elsewhere('seed', "select set_config('search_path', 'core', false);")),
  ],
  [
    'definer',
    'a definer without a word',
    project(plpgsql('begin end', 'security definer set search_path = pg_catalog, pg_temp')),
  ],
  [
    'policy',
    'a policy for everybody',
    project(`${FUNCTION}create policy p on core.t for select using (true);`),
  ],
  ['policy', 'for all', project(`${FUNCTION}create policy p on core.t to howdah_user using (true);`)],
  [
    'view',
    'select *',
    project(
      `${FUNCTION}create or replace view api.v with (security_invoker = true) as select * from core.t;`,
    ),
  ],
  [
    'view',
    'select t.*',
    project(
      `${FUNCTION}create or replace view api.v with (security_invoker = true) as select t.* from core.t;`,
    ),
  ],
  [
    'view',
    'a view that asks as its owner',
    project(`${FUNCTION}create or replace view api.v as select id from core.t;`),
  ],
  [
    'view',
    'security_invoker = false',
    project(
      `${FUNCTION}create or replace view api.v with (security_invoker = false) as select id from core.t;`,
    ),
  ],
  ['syntax', 'no SQL', project('create or replace fnction core.hello();')],
  ['plpgsql', 'a broken body', project(plpgsql('begin if true then end'))],
  [
    'dynamic-sql',
    'an unreviewed execute',
    project(plpgsql("begin execute format('drop table %I', hello.name); end")),
  ],
  [
    'dynamic-sql',
    'an unreviewed loop',
    project(plpgsql('declare r record; begin for r in execute hello.name loop end loop; end')),
  ],
  [
    'dynamic-sql',
    'an unreviewed query',
    project(
      plpgsql('begin return query execute hello.name; end').replace('returns void', 'returns setof text'),
    ),
  ],
  [
    'dynamic-sql',
    'an unreviewed cursor',
    project(plpgsql('declare r refcursor; begin open r for execute hello.name; end')),
  ],
  [
    'dynamic-sql',
    'in a do block',
    project(FUNCTION, elsewhere('current', "do $$ begin execute 'vacuum ' || 1; end $$;")),
  ],
  [
    'dynamic-sql',
    'claims set by a function',
    project(plpgsql("begin perform set_config('request.jwt.claims', hello.name, true); end")),
  ],
  [
    'dynamic-sql',
    'a setting named by the caller',
    project(FUNCTION.replace("'hello ' || hello.name", "set_config(hello.name, 'x', true)")),
  ],
  ['error-key', 'a computed key', project(plpgsql("begin perform core.raise_error(hello.name, 'x'); end"))],
  ['length', 'a long file', project(FUNCTION + '-- more\n'.repeat(300))],
]

describe('the lint of SQL files', () => {
  it('raises nothing on a clean project', () => {
    expect(lintSql(project(FUNCTION), []).findings).toEqual([])
  })

  it.each(SEEDS)('%s: finds %s', (rule, _defect, files) => {
    expect(rulesBroken(files)).toContain(rule)
  })

  it('says file and line of a defect', () => {
    const { findings } = lintSql(
      project(`-- Größe zählt.\n\n${FUNCTION}\ncreate table core.t (id int);\n`),
      [],
    )
    expect(findings.map(({ file, line }) => `${file}:${line}`)).toEqual([
      'migrations/fixtures/core/hello.sql:11',
    ])
  })

  it('finds a reviewed statement that is gone, and text put in unquoted although reviewed', () => {
    const path = 'migrations/fixtures/core/hello.sql'
    const sql = "format('drop table %s', hello.name)"
    const gone = lintSql(project(FUNCTION), [{ file: path, sql, reason: '' }])
    expect(gone.findings.map(({ rule }) => rule)).toEqual(['dynamic-sql'])
    const there = lintSql(project(plpgsql(`begin execute ${sql}; end`)), [{ file: path, sql, reason: '' }])
    expect(there.findings.map(({ rule }) => rule)).toEqual(['dynamic-sql'])
  })

  it('reads what is included in a committed migration only once, in its fixture', () => {
    const text = `create table core.t (id int);\n--! Included core/hello.sql\n${FUNCTION}--! EndIncluded core/hello.sql\n`
    expect(lintSql(project(FUNCTION, elsewhere('committed', text)), []).findings).toEqual([])
    expect(rulesBroken(project(FUNCTION, elsewhere('committed', FUNCTION)))).toEqual(['complete'])
  })

  it('understands placeholders', () => {
    expect(
      rulesBroken(project(FUNCTION, elsewhere('setup', 'alter database :DATABASE_NAME set jit = off;'))),
    ).toEqual([])
  })

  it('blank: tells comments from work', () => {
    expect(blankFindings('--! Message: next\n\n-- todo\n/* create\n table */\n')).toEqual([])
    expect(blankFindings('-- a\ncreate table core.t ();\n')).toMatchObject([{ line: 2, rule: 'blank' }])
    expect(blankFindings('--!include index.sql\n')).toMatchObject([{ line: 1, rule: 'blank' }])
  })

  it('squawk looks at committed migrations', () => {
    const said = (text: string) => runSquawk(PROJECT_DIR, elsewhere('committed', text))
    expect(said('create table core.t (id uuid primary key);')).toEqual([])
    expect(said('alter table core.t alter column id type bigint;').join()).toContain('changing-column-type')
  })

  it('raises nothing on this project', () => {
    const { findings, files, functions } = lintSql(readSqlFiles())
    console.log(`sql files: ${files} looked at, ${functions} functions`)
    expect(files).toBeGreaterThan(10)
    expect(functions).toBeGreaterThan(10)
    expect(findings.map(printFinding)).toEqual([])
  })
})
