/** Which object each fixture defines: functions by signature, views, triggers and policies by table. */
import { signature } from './ast.ts'
import type { ParsedFile, Statement } from './parse.ts'

/** One definition, found in a fixture. */
export type Definition = {
  kind: 'function' | 'view' | 'trigger' | 'policy'
  /** `core.now()`, `api.users`, `core.users _100_touch_updated_at`, `core.users select_own`. */
  name: string
  file: string
  line: number
}

/** Every object the files define, in file order. */
export function definitionsIn(files: ParsedFile[]): Definition[] {
  return files.flatMap((file) =>
    file.statements.flatMap((statement) => {
      const found = definition(statement)
      return found ? [{ ...found, file: file.path, line: statement.line }] : []
    }),
  )
}

function definition({ node }: Statement): Pick<Definition, 'kind' | 'name'> | undefined {
  if ('CreateFunctionStmt' in node) return { kind: 'function', name: signature(node.CreateFunctionStmt) }
  if ('ViewStmt' in node) return { kind: 'view', name: relation(node.ViewStmt.view) }
  if ('CreateTrigStmt' in node) {
    const { trigname, relation: table } = node.CreateTrigStmt
    return { kind: 'trigger', name: `${relation(table)} ${trigname}` }
  }
  if ('CreatePolicyStmt' in node) {
    const { policy_name, table } = node.CreatePolicyStmt
    return { kind: 'policy', name: `${relation(table)} ${policy_name}` }
  }
  return undefined
}

/** `schema.name`; an unqualified name gets a schema nobody has, so that it is noticed. */
export function relation(range: { schemaname?: string; relname?: string } | undefined): string {
  return `${range?.schemaname ?? 'UNQUALIFIED'}.${range?.relname ?? ''}`
}
