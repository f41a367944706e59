/** Every function says in its own file who may call it and where it looks names up. */
import { dotted, functionOptions, inputTypes, signature } from './ast.ts'
import type { ParsedFile } from './parse.ts'
import { eachStatement, type Rule } from './rule.ts'

const PINNED = 'pg_catalog, pg_temp'

/** plpgsql, definer functions and SQL bodies in a string look names up at run time, so their path is pinned. */
export const pinnedPath = eachStatement(
  'search_path',
  ['fixture', 'current', 'committed', 'seed'],
  ({ node }) => {
    if (!('CreateFunctionStmt' in node)) return []
    const { settings, isDefiner, hasSqlBody, language } = functionOptions(node.CreateFunctionStmt)
    const path = settings.get('search_path')
    if (path !== undefined && path !== PINNED) {
      return [
        `${signature(node.CreateFunctionStmt)} sets search_path to "${path}"; write: set search_path = ${PINNED}`,
      ]
    }
    if (path === PINNED || (hasSqlBody && !isDefiner)) return []
    const why = isDefiner ? 'is security definer' : `has a ${language} body that is a string`
    return [`${signature(node.CreateFunctionStmt)} ${why}; add: set search_path = ${PINNED}`]
  },
)

/** A definer function says above itself which privilege it borrows and what replaces the check. */
export const definerComment = eachStatement('definer', ['fixture'], ({ node, comment }) => {
  if (!('CreateFunctionStmt' in node) || !functionOptions(node.CreateFunctionStmt).isDefiner) return []
  if (/security definer:/i.test(comment)) return []
  return [
    `${signature(node.CreateFunctionStmt)} is security definer; say on the line above, after "security definer:", ` +
      'what it borrows and which check replaces it',
  ]
})

/** `revoke all on function … from public` stands in the file that creates the function. */
export const revokedFromPublic: Rule = (files) =>
  files
    .filter(({ kind }) => kind === 'fixture')
    .flatMap((file) => {
      const revoked = revokedFunctions(file)
      return file.statements.flatMap(({ node, line }) => {
        if (!('CreateFunctionStmt' in node) || revoked.has(signature(node.CreateFunctionStmt))) return []
        const name = signature(node.CreateFunctionStmt)
        const sentence = `${name} lacks: revoke all on function ${name} from public`
        return [{ file: file.path, line, rule: 'revoke', sentence }]
      })
    })

function revokedFunctions(file: ParsedFile): Set<string> {
  const found = new Set<string>()
  for (const { node } of file.statements) {
    if (!('GrantStmt' in node) || node.GrantStmt.is_grant || node.GrantStmt.objtype !== 'OBJECT_FUNCTION')
      continue
    const { objects, grantees, privileges } = node.GrantStmt
    const isAll = !privileges?.length
    const isPublic = grantees?.some(
      (role) => 'RoleSpec' in role && role.RoleSpec.roletype === 'ROLESPEC_PUBLIC',
    )
    if (!isAll || !isPublic) continue
    for (const object of objects ?? []) {
      if (!('ObjectWithArgs' in object)) continue
      const { objname, objfuncargs } = object.ObjectWithArgs
      found.add(`${dotted(objname)}(${inputTypes(objfuncargs).join(', ')})`)
    }
  }
  return found
}
