/** Narrows the shape of a table's column by its checks, and keeps a list of what could not be said. */
import type { CatalogColumn } from '../catalog/columns.ts'
import type { ParsedCheck } from '../catalog/read-catalog.ts'
import { applyRule, type RuleContext } from '../checks/apply-rule.ts'
import { translatePart } from '../checks/translate-part.ts'
import type { Shape } from '../shape/shape.ts'

/** What became of one check. */
export type CheckOutcome = { check: ParsedCheck; reasons: string[] }

/** The narrowed shape and what became of each check that names the column. */
export function applyChecks(
  shape: Shape,
  column: CatalogColumn,
  checks: ParsedCheck[],
  context: RuleContext,
): { shape: Shape; outcomes: CheckOutcome[] } {
  let narrowed = shape
  const outcomes: CheckOutcome[] = []
  for (const check of checks) {
    if (check.relation !== column.relation || !check.columns.includes(column.number)) continue
    const refusal = refuseWhole(check)
    const reasons: string[] = refusal ? [refusal] : []
    for (const part of refusal ? [] : check.parts) {
      const translation = translatePart(part, column.name)
      const applied = 'rule' in translation ? applyRule(narrowed, translation.rule, context) : translation
      if ('shape' in applied) narrowed = applied.shape
      else reasons.push(applied.reason)
    }
    outcomes.push({ check, reasons })
  }
  return { shape: narrowed, outcomes }
}

function refuseWhole(check: ParsedCheck): string | undefined {
  if (check.columns.length !== 1) return 'it looks at several columns'
  return check.isValidated ? undefined : 'it is not valid for the rows that exist'
}
