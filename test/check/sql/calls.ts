/** Calls of functions in a file, wherever they stand: top level, SQL bodies, plpgsql bodies. */
import { type Node, parseSync } from 'libpg-query'
import { constantText, dotted, functionOptions, walk } from './ast.ts'
import type { ParsedFile } from './parse.ts'
import { embeddedIn, parseEmbedded } from './plpgsql.ts'

/** One call. */
export type Call = { file: string; line: number; name: string; args: Node[] }

/** Every call in the file. */
export function callsIn(file: ParsedFile): Call[] {
  const calls: Call[] = []
  const collect = (tree: unknown, line: number) =>
    walk(tree, (kind, node) => {
      if (kind !== 'FuncCall') return
      const call = node as { funcname?: Node[]; args?: Node[] }
      calls.push({ file: file.path, line, name: dotted(call.funcname), args: call.args ?? [] })
    })
  for (const statement of file.statements) {
    collect(statement.node, statement.line)
    const body = stringSqlBody(statement.node)
    if (body) collect(parseSync(body), statement.line)
  }
  for (const { sql, line } of embeddedIn(file)) collect(parseEmbedded(sql), line)
  return calls
}

/** The body of a `language sql` function that is written as a string. */
function stringSqlBody(node: Node): string | undefined {
  if (!('CreateFunctionStmt' in node)) return undefined
  const { language, hasSqlBody } = functionOptions(node.CreateFunctionStmt)
  if (language !== 'sql' || hasSqlBody) return undefined
  const as = node.CreateFunctionStmt.options?.find(
    (item) => 'DefElem' in item && item.DefElem.defname === 'as',
  )
  const list = as && 'DefElem' in as ? as.DefElem.arg : undefined
  const first = list && 'List' in list ? list.List.items?.[0] : undefined
  return first && 'String' in first ? first.String.sval : undefined
}

/** Texts an argument can have: a literal, or each branch of a case; undefined when it is computed. */
export function possibleTexts(arg: Node | undefined): string[] | undefined {
  const literal = constantText(arg)
  if (literal !== undefined) return [literal]
  if (!arg || !('CaseExpr' in arg)) return undefined
  const branches = (arg.CaseExpr.args ?? []).map((when) =>
    'CaseWhen' in when ? when.CaseWhen.result : undefined,
  )
  if (arg.CaseExpr.defresult) branches.push(arg.CaseExpr.defresult)
  const texts = branches.map(possibleTexts)
  return texts.every((list) => list !== undefined) ? texts.flat() : undefined
}
