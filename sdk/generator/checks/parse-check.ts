/** Reads a CHECK constraint as Postgres itself would: with its own parser, never by matching text. */
import type { Node } from '@pgsql/types'
import { parse } from 'libpg-query'
import { GeneratorError } from '../generator-error.ts'

/** The parts of a check that must all hold, from the text of `pg_get_constraintdef`. */
export async function parseCheck(definition: string): Promise<Node[]> {
  const parsed = await parse(`alter table t add ${definition}`)
  const commands = parsed.stmts?.[0]?.stmt
  const command = commands && 'AlterTableStmt' in commands ? commands.AlterTableStmt.cmds?.[0] : undefined
  const constraint = command && 'AlterTableCmd' in command ? command.AlterTableCmd.def : undefined
  const expression = constraint && 'Constraint' in constraint ? constraint.Constraint.raw_expr : undefined
  if (!expression) {
    throw new GeneratorError(
      `Reading the constraint "${definition}" found no expression; is it a CHECK constraint?`,
    )
  }
  return conjuncts(expression)
}

function conjuncts(node: Node): Node[] {
  if ('BoolExpr' in node && node.BoolExpr.boolop === 'AND_EXPR') {
    return (node.BoolExpr.args ?? []).flatMap(conjuncts)
  }
  if ('A_Expr' in node && node.A_Expr.kind === 'AEXPR_BETWEEN') return between(node.A_Expr)
  return [node]
}

/** Postgres prints BETWEEN as two comparisons; a hand-written definition may still have the word. */
function between(expression: Extract<Node, { A_Expr: unknown }>['A_Expr']): Node[] {
  const bounds = expression.rexpr && 'List' in expression.rexpr ? (expression.rexpr.List.items ?? []) : []
  return bounds.map((bound, index) => ({
    A_Expr: {
      ...expression,
      kind: 'AEXPR_OP' as const,
      name: [{ String: { sval: index === 0 ? '>=' : '<=' } }],
      rexpr: bound,
    },
  }))
}
