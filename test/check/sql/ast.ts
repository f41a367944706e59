/** Small ways around the parse tree. */
import type { CreateFunctionStmt, FunctionParameter, Node, TypeName } from 'libpg-query'

/** Calls `visit` for every node below `root`, with the parser's name for it. */
export function walk(root: unknown, visit: (kind: string, node: Record<string, unknown>) => void): void {
  if (Array.isArray(root)) {
    for (const item of root) walk(item, visit)
    return
  }
  if (typeof root !== 'object' || root === null) return
  for (const [key, value] of Object.entries(root)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && /^(A_|[A-Z]|PL)/.test(key)) {
      visit(key, value as Record<string, unknown>)
    }
    walk(value, visit)
  }
}

/** `a.b` from the parser's list of strings. */
export function dotted(names: Node[] | undefined): string {
  return (names ?? []).map((name) => ('String' in name ? (name.String.sval ?? '') : '?')).join('.')
}

/** A type as SQL can resolve it again, for instance `pg_catalog.int4[]`. */
export function typeText(type: TypeName | undefined): string {
  return dotted(type?.names) + '[]'.repeat(type?.arrayBounds?.length ?? 0)
}

/** `schema.name(type, …)`: what tells overloads apart. */
export function signature(fn: CreateFunctionStmt): string {
  return `${dotted(fn.funcname)}(${inputTypes(fn.parameters).join(', ')})`
}

/** Types of the input parameters of a function or of a reference to one. */
export function inputTypes(parameters: Node[] | undefined): string[] {
  return (parameters ?? [])
    .flatMap((item) => ('FunctionParameter' in item ? [item.FunctionParameter] : []))
    .filter(
      (parameter: FunctionParameter) =>
        !/OUT$|TABLE$/.test(parameter.mode ?? '') || parameter.mode === 'FUNC_PARAM_INOUT',
    )
    .map((parameter: FunctionParameter) => typeText(parameter.argType))
}

/** The options of `create function` by name: language, security, as, volatility … and each `set`. */
export function functionOptions(fn: CreateFunctionStmt) {
  const options = (fn.options ?? []).flatMap((item) => ('DefElem' in item ? [item.DefElem] : []))
  const settings = new Map<string, string>()
  let language = 'sql'
  let isDefiner = false
  for (const { defname, arg } of options) {
    if (!arg) continue
    if (defname === 'language' && 'String' in arg) language = arg.String.sval ?? ''
    if (defname === 'security' && 'Boolean' in arg) isDefiner = arg.Boolean.boolval === true
    if (defname === 'set' && 'VariableSetStmt' in arg) {
      const { name, args } = arg.VariableSetStmt
      settings.set(name ?? '', (args ?? []).map(constantText).join(', '))
    }
  }
  return { language, isDefiner, settings, hasSqlBody: fn.sql_body !== undefined }
}

/** The text of a literal; undefined for anything that is not one. */
export function constantText(node: Node | undefined): string | undefined {
  if (!node) return undefined
  if ('TypeCast' in node) return constantText(node.TypeCast.arg)
  return 'A_Const' in node ? node.A_Const.sval?.sval : undefined
}
