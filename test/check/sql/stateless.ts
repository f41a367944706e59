/**
 * Law "stateless": fixtures can be run at any time, any number of times. What is not on this list is not allowed:
 * tables, data and cascades are moves between two states and belong into current.sql.
 */
import type { Node } from 'libpg-query'
import { dotted } from './ast.ts'
import { eachStatement } from './rule.ts'

const ELSEWHERE = 'write it into current.sql'

/** Refuses every top-level statement of a fixture that is not harmless when repeated. */
export const stateless = eachStatement('stateless', ['fixture'], ({ node }, file) => {
  if ('CreateFunctionStmt' in node) return orReplace(node.CreateFunctionStmt.replace, 'a function')
  if ('ViewStmt' in node) return orReplace(node.ViewStmt.replace, 'a view')
  if ('CreateTrigStmt' in node) return orReplace(node.CreateTrigStmt.replace, 'a trigger')
  if ('CreatePolicyStmt' in node || 'CommentStmt' in node) return []
  if ('GrantStmt' in node) {
    return node.GrantStmt.behavior === 'DROP_CASCADE'
      ? [`"cascade" takes more than is named; ${ELSEWHERE}`]
      : []
  }
  if ('DropStmt' in node) return dropSentences(node.DropStmt)
  // A function may be given to somebody with fewer rights than the owner of everything.
  if ('AlterOwnerStmt' in node && node.AlterOwnerStmt.objectType === 'OBJECT_FUNCTION') return []
  if ('AlterTableStmt' in node) {
    const isRowSecurity = (node.AlterTableStmt.cmds ?? []).every(
      (command) => 'AlterTableCmd' in command && command.AlterTableCmd.subtype === 'AT_EnableRowSecurity',
    )
    return isRowSecurity ? [] : [`a fixture may only enable row level security on a table; ${ELSEWHERE}`]
  }
  if ('SelectStmt' in node && isDeclaration(node)) {
    return file.path.endsWith('/registry.sql')
      ? []
      : ['declarations stand in the registry.sql of their module']
  }
  return [`${Object.keys(node)[0]} is not among what can be run again harmlessly; ${ELSEWHERE}`]
})

function orReplace(isReplacing: boolean | undefined, what: string): string[] {
  return isReplacing ? [] : [`${what} is created without "or replace", so the second run fails`]
}

function dropSentences({
  removeType,
  missing_ok,
  behavior,
}: {
  removeType?: string
  missing_ok?: boolean
  behavior?: string
}): string[] {
  if (behavior === 'DROP_CASCADE') return [`"cascade" drops more than is named; ${ELSEWHERE}`]
  if (removeType !== 'OBJECT_POLICY') return [`only policies are dropped in fixtures; ${ELSEWHERE}`]
  return missing_ok ? [] : ['a policy is dropped without "if exists", so the first run fails']
}

/** `select <schema>.declare_…(…);` and nothing else. */
function isDeclaration(node: Extract<Node, { SelectStmt: unknown }>): boolean {
  const { targetList, fromClause, whereClause, withClause } = node.SelectStmt
  if (fromClause || whereClause || withClause || targetList?.length !== 1) return false
  const target = targetList[0]
  const value = target && 'ResTarget' in target ? target.ResTarget.val : undefined
  return (
    value !== undefined &&
    'FuncCall' in value &&
    /^\w+\.(declare_\w+|audit_table)$/.test(dotted(value.FuncCall.funcname))
  )
}
