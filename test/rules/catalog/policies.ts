/** Rules about policies. */
import { OUR_TABLE } from './ours.ts'
import type { CatalogRule, Queryable } from './rule.ts'
import { sqlRule } from './rule.ts'

const FROM_POLICIES = `from pg_policy p join pg_class c on c.oid = p.polrelid
  join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}`
const NAME = `format('%s.%s %s', n.nspname, c.relname, p.polname)`

export const policyAudience = sqlRule({
  name: 'policy audience',
  says: 'policy names its roles and one command, and its name says both',
  query: `select ${NAME} as object, case
      when p.polroles = '{0}' then 'is for everybody; name the roles after "to"'
      when p.polcmd = '*' then 'is for all commands; write one policy for each'
      when p.polpermissive and p.polname !~ ('^' || case p.polcmd when 'r' then 'select' when 'a' then 'insert'
          when 'w' then 'update' else 'delete' end || '_[a-z_]+$') then 'is not named <command>_<audience>'
      when p.polcmd in ('a', 'w') and p.polwithcheck is null then 'has no "with check"'
      when p.polcmd = 'w' and p.polqual is null then 'has no "using"'
    end as problem ${FROM_POLICIES}`,
  defects: {
    'for everybody': 'create policy select_seed on core.users for select using (true)',
    'for all': 'create policy select_seed on core.users to howdah_user using (true)',
    'a name that says nothing':
      'create policy "users can read" on core.users for select to howdah_user using (false)',
    'an update without check':
      'create policy update_seed on core.users for update to howdah_user using (false)',
  },
})

export const alwaysTrue = sqlRule({
  name: '0024 always true',
  says: 'policy for writes asks something',
  query: `select ${NAME} as object, case when p.polcmd <> 'r' and (
      pg_get_expr(p.polqual, p.polrelid) = 'true' or pg_get_expr(p.polwithcheck, p.polrelid) = 'true')
      then 'lets every row be written' end as problem ${FROM_POLICIES}`,
  defects: {
    'true for a delete': 'create policy delete_seed on core.users for delete to howdah_user using (true)',
    'true for an insert':
      'create policy insert_seed on core.users for insert to howdah_user with check (true)',
  },
})

export const onePermissive = sqlRule({
  name: '0006 one permissive policy',
  says: 'role meets at most one permissive policy for a command',
  query: `select format('%s.%s %s %s', n.nspname, c.relname, cmd, role::regrole) as object,
      case when count(*) > 1 then 'several permissive policies are or-ed: ' || string_agg(p.polname, ', ') end as problem
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace,
      unnest(p.polroles) role, unnest(case p.polcmd when '*' then array['r', 'a', 'w', 'd'] else array[p.polcmd::text] end) cmd
    where ${OUR_TABLE} and p.polpermissive
    group by n.nspname, c.relname, cmd, role`,
  defects: {
    'a second one': 'create policy select_seed on core.users for select to howdah_user using (false)',
  },
})

export const grantsMeetPolicies = sqlRule({
  name: 'grants and policies',
  says: 'grant to a role has a policy, and every policy a grant',
  query: `with web as (select unnest(array['howdah_anon', 'howdah_user', 'howdah_admin']) as role),
    verbs (verb, cmd) as (values ('select', 'r'), ('insert', 'a'), ('update', 'w'), ('delete', 'd')),
    cells as (
      select n.nspname || '.' || c.relname || ' ' || v.verb || ' ' || w.role as object,
        case v.verb when 'delete' then has_table_privilege(w.role, c.oid, 'delete')
          else has_any_column_privilege(w.role, c.oid, v.verb) end as is_granted,
        exists (select from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd in (v.cmd, '*')
          and (0 = any (p.polroles) or w.role::regrole = any (p.polroles))) as has_policy
      from pg_class c join pg_namespace n on n.oid = c.relnamespace, web w, verbs v
      where ${OUR_TABLE} and not c.relispartition)
    select object, case when is_granted and not has_policy then 'granted, but no policy ever lets a row through'
      when has_policy and not is_granted then 'a policy without a grant is dead' end as problem from cells`,
  defects: {
    'a grant without a policy': 'grant select on private.passwords to howdah_user',
    'a policy without a grant': `create policy delete_seed on core.users for delete to howdah_user using (id = (select core.current_user_id()))`,
  },
})

/** Calls that do not depend on the row are wrapped, so that they run once and not once a row. */
export const initplan: CatalogRule = {
  name: '0003 initplan',
  says: 'call in a policy that does not depend on the row is wrapped in (select …)',
  async check(db: Queryable) {
    const { rows } = await db.query<{ object: string; expression: string }>(
      `select ${NAME} as object, concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) as expression
      ${FROM_POLICIES}`,
    )
    const findings = rows.flatMap(({ object, expression }) => {
      const bare = withoutSubselects(expression).match(/[\w.]+\(\)|\bcurrent_setting\(/g) ?? []
      return bare.map((call) => `${object}: ${call} runs once a row; write (select ${call})`)
    })
    return { looked: rows.map(({ object }) => object), findings }
  },
  defects: {
    'a bare helper':
      'create policy select_seed on core.users for select to howdah_admin using (id = core.current_user_id())',
    'a bare setting': `create policy select_seed on core.users for select to howdah_admin using (current_setting('x', true) = '')`,
    'a bare helper beside a wrapped one': `create policy select_seed on core.users for select to howdah_admin
      using (id = (select core.current_user_id()) and core.is_admin())`,
  },
}

/** Cuts every `( SELECT … )` out, brackets counted. */
export function withoutSubselects(expression: string): string {
  let text = expression
  for (let start = text.indexOf('( SELECT'); start >= 0; start = text.indexOf('( SELECT')) {
    let depth = 0
    let end = start
    do {
      if (text[end] === '(') depth++
      if (text[end] === ')') depth--
      end++
    } while (depth > 0 && end < text.length)
    text = text.slice(0, start) + text.slice(end)
  }
  return text
}

/** Columns that are compared with constants only narrow what an index has found. */
export const policyIndex = sqlRule({
  name: 'R-27 policy index',
  says: 'column that a policy compares with the caller leads an index',
  query: `select ${NAME} || ' ' || a.attname as object, case when not exists (
      select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indpred is null and i.indisvalid
      ) then 'leads no index; every list would read the whole table' end as problem
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = c.oid
    join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
    where ${OUR_TABLE} and concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
      ~ format('\\m%s (=|IN) \\( SELECT', a.attname)`,
  defects: {
    'no index': `create policy select_seed on core.workspaces for select to howdah_user
      using (archived_at is null and name = (select core.current_user_id()::text))`,
    'an index that leads with something else': `create table core.seed (id uuid primary key, workspace_id uuid);
      create index on core.seed (id, workspace_id);
      create policy select_seed on core.seed for select to howdah_user
        using (workspace_id in (select core.my_workspace_ids()))`,
  },
})

/** All of them. */
export const policyRules = [
  policyAudience,
  alwaysTrue,
  onePermissive,
  grantsMeetPolicies,
  initplan,
  policyIndex,
]
