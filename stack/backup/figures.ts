/** Figures of a database: what a restored copy must show to be called the same. */

import type pg from 'pg'
import { escapeIdentifier } from 'pg'
import type { Digest, Figures } from './manifest.ts'

/** Text of a value must not depend on who asks. */
const SAME_TEXT_EVERYWHERE = `
  set local search_path = pg_catalog;
  set local timezone = 'UTC';
  set local datestyle = 'ISO, YMD';
  set local intervalstyle = 'iso_8601';
  set local bytea_output = 'hex';
  set local extra_float_digits = 1;
  set local row_security = off;
  set local statement_timeout = 0`

/** Tables and materialized views whose rows outlive a crash: an unlogged one is empty after every restore. */
const TABLES = `
  select n.nspname as schema, c.relname as name, c.relkind = 'r' as "isTable"
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.relpersistence = 'p' and c.relispopulated
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  order by 1, 2`

/** One line an object; what differs between two of these lists differs in the product. Columns only: no path decides. */
const CATALOG: Record<string, string> = {
  policies: `select concat_ws('|', polrelid::regclass, polname, polcmd, polpermissive,
      (select string_agg(coalesce(r.rolname, 'public'), ',' order by r.rolname)
       from unnest(polroles) as p (oid) left join pg_roles as r on r.oid = p.oid),
      pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) as line from pg_policy`,
  grants: `select concat_ws('|', 'relation', oid::regclass, relacl) as line from pg_class where relacl is not null
    union all select concat_ws('|', 'column', attrelid::regclass, attname, attacl) from pg_attribute where attacl is not null
    union all select concat_ws('|', 'function', oid::regprocedure, proacl) from pg_proc where proacl is not null
    union all select concat_ws('|', 'schema', nspname, nspacl) from pg_namespace where nspacl is not null
      and nspname !~ '^pg_(temp|toast_temp)_'
    union all select concat_ws('|', 'default', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl)
      from pg_default_acl
    union all select concat_ws('|', 'database', datname, datacl) from pg_database where datname = current_database()`,
  roles: `select concat_ws('|', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
      rolbypassrls, rolconnlimit, rolvaliduntil, rolconfig) as line from pg_roles
    union all select concat_ws('|', roleid::regrole, member::regrole, admin_option) from pg_auth_members`,
  extensions: `select concat_ws('|', extname, extversion, extnamespace::regnamespace) as line from pg_extension`,
  functions: `select concat_ws('|', oid::regprocedure, prosecdef, provolatile, proconfig, proowner::regrole,
      md5(coalesce(prosrc, '') || coalesce(pg_get_function_sqlbody(oid), ''))) as line
    from pg_proc where pronamespace <> 'pg_catalog'::regnamespace`,
  relations: `select concat_ws('|', relkind, oid::regclass, relowner::regrole, relrowsecurity, relforcerowsecurity,
      (select count(*) from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)) as line
    from pg_class as c where relnamespace::regnamespace::text !~ '^(pg_|information_schema)' and relpersistence <> 't'
    union all select concat_ws('|', 'trigger', tgrelid::regclass, tgname, tgenabled, tgfoid::regprocedure)
      from pg_trigger where not tgisinternal`,
}

/** What the figures are made of, by quoted name; only a table can be locked. */
export async function figureTables(client: pg.ClientBase): Promise<{ name: string; isTable: boolean }[]> {
  const { rows } = await client.query<{ schema: string; name: string; isTable: boolean }>(TABLES)
  return rows.map(({ schema, name, isTable }) => ({
    name: `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`,
    isTable,
  }))
}

/** Counts and sums everything in the client's open transaction, whose snapshot is the moment of the figures. */
export async function readFigures(client: pg.ClientBase): Promise<Figures> {
  await client.query(SAME_TEXT_EVERYWHERE)
  const figures: Figures = { tables: {}, catalog: {} }
  for (const { name: table } of await figureTables(client)) {
    figures.tables[table] = await one(
      client,
      `select count(*)::int as count, coalesce(sum(hashtextextended(howdah_row::text, 0)::numeric), 0)::text as digest
       from only ${table} as howdah_row`,
    )
  }
  for (const [topic, lines] of Object.entries(CATALOG)) {
    figures.catalog[topic] = await one(
      client,
      `select count(*)::int as count, coalesce(sum(hashtextextended(l.line, 0)::numeric), 0)::text as digest
       from (${lines}) as l`,
    )
  }
  return figures
}

/** What differs, in words; empty when the two are the same. */
export function differences(expected: Figures, found: Figures): string[] {
  return [
    ...compare('table', expected.tables, found.tables),
    ...compare('list of', expected.catalog, found.catalog),
  ]
}

function compare(kind: string, expected: Record<string, Digest>, found: Record<string, Digest>): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  return names.flatMap((name) => {
    const [was, is] = [expected[name], found[name]]
    if (!was) return [`${kind} ${name} was not there when the backup was made`]
    if (!is) return [`${kind} ${name} is missing`]
    if (was.count !== is.count) return [`${kind} ${name} has ${is.count} lines instead of ${was.count}`]
    return was.digest === is.digest ? [] : [`${kind} ${name} has other content (${is.count} lines)`]
  })
}

async function one(client: pg.ClientBase, sql: string): Promise<Digest> {
  const { rows } = await client.query<Digest>(sql)
  const row = rows[0]
  if (!row) throw new Error(`No figures came from: ${sql}`)
  return row
}
