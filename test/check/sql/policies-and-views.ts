/** Policies name their audience and one command; views name their columns and ask as the caller. */
import { walk } from './ast.ts'
import { relation } from './definitions.ts'
import { eachStatement } from './rule.ts'

/** `to <role>` always, never `for all`. */
export const policyShape = eachStatement(
  'policy',
  ['fixture', 'current', 'committed', 'seed'],
  ({ node }) => {
    if (!('CreatePolicyStmt' in node)) return []
    const { policy_name, table, roles, cmd_name } = node.CreatePolicyStmt
    const name = `${policy_name} on ${relation(table)}`
    const toPublic = (roles ?? []).some(
      (role) => 'RoleSpec' in role && role.RoleSpec.roletype === 'ROLESPEC_PUBLIC',
    )
    const sentences: string[] = []
    if (toPublic) sentences.push(`${name} is for everybody; name the roles after "to"`)
    if (cmd_name === 'all') sentences.push(`${name} is for all commands; write one policy for each command`)
    return sentences
  },
)

/** No `select *`, and security_invoker in every view. */
export const viewShape = eachStatement('view', ['fixture', 'current', 'committed', 'seed'], ({ node }) => {
  if (!('ViewStmt' in node)) return []
  const { view, query, options } = node.ViewStmt
  const name = relation(view)
  const sentences: string[] = []
  let hasStar = false
  walk(query, (kind, found) => {
    if (kind === 'ResTarget' && JSON.stringify(found['val'] ?? null).startsWith('{"ColumnRef"')) {
      hasStar ||= JSON.stringify(found['val']).includes('"A_Star"')
    }
  })
  if (hasStar) sentences.push(`${name} selects *; list the columns, or a new one becomes public unseen`)
  const isInvoker = (options ?? []).some(
    (option) =>
      'DefElem' in option && option.DefElem.defname === 'security_invoker' && isTrue(option.DefElem.arg),
  )
  if (!isInvoker) sentences.push(`${name} lacks: with (security_invoker = true)`)
  return sentences
})

function isTrue(value: unknown): boolean {
  // Without a value an option is true.
  return (
    value === undefined || /"(sval)":"(true|on|1)"|"boolval":true|"ival":1\b/i.test(JSON.stringify(value))
  )
}

/** Names are written with their schema; a path set in a migration would hide one that is not. */
export const noPathInMigrations = eachStatement(
  'search_path',
  ['fixture', 'current', 'committed', 'rollback', 'setup', 'seed'],
  ({ node }) => {
    const setsPath =
      ('VariableSetStmt' in node && node.VariableSetStmt.name === 'search_path') ||
      /"set_config"[\s\S]*"search_path"/.test('SelectStmt' in node ? JSON.stringify(node) : '')
    return setsPath ? ['sets search_path for what follows; write names with their schema instead'] : []
  },
)
