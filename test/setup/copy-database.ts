/** Copies a database whole. `create database … template` leaves privileges and settings of the database itself behind. */
import type pg from 'pg'
import { escapeIdentifier } from 'pg'

/** Copies `template` (which nobody may be connected to) to `name`, with owner, privileges and settings. */
export async function copyDatabase(admin: pg.Client, template: string, name: string): Promise<void> {
  const [from, to] = [escapeIdentifier(template), escapeIdentifier(name)]
  await admin.query(`create database ${to} template ${from} owner howdah_migrations strategy file_copy`)
  const { rows } = await admin.query<{ statement: string }>(DATABASE_PROPERTIES, [template, name])
  await admin.query(
    [`revoke all on database ${to} from public`, ...rows.map((row) => row.statement)].join(';\n'),
  )
}

/** $1 the template, $2 the copy. One statement a row. */
const DATABASE_PROPERTIES = `
  select format('grant %s on database %I to %s', acl.privilege_type, $2::text,
    case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end) as statement
  from pg_database, aclexplode(datacl) acl
  where datname = $1
  union all
  select case setrole when 0 then format('alter database %I set %s to %L', $2::text, split_part(item, '=', 1), value)
    else format('alter role %I in database %I set %s to %L', pg_get_userbyid(setrole), $2::text,
      split_part(item, '=', 1), value) end
  from pg_db_role_setting
  join pg_database on pg_database.oid = setdatabase, unnest(setconfig) item,
    substr(item, strpos(item, '=') + 1) value
  where datname = $1`
