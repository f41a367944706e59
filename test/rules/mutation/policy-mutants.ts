/** Every policy, weakened in every way that has a name; every table without its row level security. */
import { z } from 'zod'
import { OUR_TABLE } from '../catalog/ours.ts'
import type { Queryable } from '../catalog/rule.ts'
import type { Mutant } from './mutant.ts'

/** Views of api that read the table `c`, directly. */
const VIEWS_OF = `coalesce((select array_agg(distinct 'api.' || v.relname order by 'api.' || v.relname) from pg_rewrite w
  join pg_class v on v.oid = w.ev_class and v.relnamespace = 'api'::regnamespace
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  where d.refobjid = c.oid), '{}')`

const policy = z.object({
  name: z.string(),
  table: z.string(),
  command: z.string(),
  roles: z.string(),
  using: z.string().nullable(),
  check: z.string().nullable(),
  ids: z.array(z.string()),
  views: z.array(z.string()),
})
type Policy = z.infer<typeof policy>

const POLICIES = `
  select quote_ident(p.polname) as name, n.nspname || '.' || c.relname as table,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end as command,
    (select string_agg(case role when 0 then 'public' else role::regrole::text end, ', ') from unnest(p.polroles) role) as roles,
    pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check,
    coalesce((select array_agg(a.attname::text order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and a.atttypid = 'uuid'::regtype), '{}') as ids, ${VIEWS_OF} as views
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}`

const TABLES = `
  select n.nspname || '.' || c.relname as table, c.relforcerowsecurity as "isForced", ${VIEWS_OF} as views
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE} and c.relrowsecurity`

/** All that can be done to policies; what is `true` already is not made so again. */
export async function policyMutants(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query(POLICIES)
  return z.array(policy).parse(rows).flatMap(weakened)
}

/** Tables whose policies nobody asks. */
export async function tableMutants(db: Queryable): Promise<Mutant[]> {
  const { rows } = await db.query<{ table: string; isForced: boolean; views: string[] }>(TABLES)
  return rows.flatMap(({ table, isForced, views }) => {
    const without = (kind: string, action: string) => ({
      kind,
      what: `${table} ${kind}`,
      sql: `alter table ${table} ${action} row level security`,
      objects: [table, ...views],
    })
    const disabled = without('without row level security', 'disable')
    return isForced ? [disabled, without('without force', 'no force')] : [disabled]
  })
}

function weakened(found: Policy): Mutant[] {
  const { name, table, using, check, views } = found
  const mutant = (kind: string, sql: string, detail = kind): Mutant => ({
    kind,
    what: `${table} ${name}: ${detail}`,
    sql,
    objects: [table, ...views],
  })
  const alter = `alter policy ${name} on ${table}`
  const drop = `drop policy ${name} on ${table}`
  const mutants = [mutant('drop', drop)]
  if (found.roles !== 'public') mutants.push(mutant('to public', `${alter} to public`))
  if (using !== null && using !== 'true') mutants.push(mutant('using (true)', `${alter} using (true)`))
  if (check !== null && check !== 'true')
    mutants.push(mutant('with check (true)', `${alter} with check (true)`))
  if (check !== null) {
    const clause = using === null ? '' : ` using (${using})`
    const again = `create policy ${name} on ${table} for ${found.command} to ${found.roles}${clause}`
    mutants.push(mutant('without check', `${drop}; ${again}`))
  }
  for (const [change, rewrite] of rewritesOf(found)) {
    const clauses = [
      using !== null ? ` using (${rewrite(using)})` : '',
      check !== null ? ` with check (${rewrite(check)})` : '',
    ]
    mutants.push(mutant(change.kind, `${alter}${clauses.join('')}`, change.detail))
  }
  return mutants
}

type Rewrite = [change: { kind: string; detail: string }, rewrite: (expression: string) => string]

/** Another id asked instead of the owner's or tenant's, and every member where only some roles were meant. */
function rewritesOf({ using, check, ids }: Policy): Rewrite[] {
  const text = `${using ?? ''} ${check ?? ''}`
  const swaps = ids
    .filter((from) => word(from).test(text))
    .flatMap((from) =>
      ids
        .filter((to) => to !== from)
        .map(
          (to): Rewrite => [
            { kind: 'column swapped', detail: `${to} for ${from}` },
            (expression) => expression.replace(word(from), to),
          ],
        ),
    )
  const anyRole = /(core\.my_\w+_ids)_as\((?:[^()]|\([^()]*\))*\)/g
  if (text.search(anyRole) < 0) return swaps
  const change = { kind: 'any role', detail: 'every member, whatever the role' }
  return [...swaps, [change, (expression) => expression.replace(anyRole, '$1()')]]
}

function word(name: string): RegExp {
  return new RegExp(`\\b${name}\\b`, 'g')
}
