/** Follows the columns of views down to the columns of tables. */

import { columnOrigins } from '../catalog/column-origins.ts'
import type { CatalogColumn } from '../catalog/columns.ts'
import type { CatalogView } from '../catalog/views.ts'

/** The table's column behind a view's column. */
export type BaseColumn = { column: CatalogColumn; isNotNull: boolean; privileges: CatalogColumn[] }

/** Finds the table's column behind a view's column, or undefined for a computed one. */
export type Lineage = (relation: number, number: number) => BaseColumn | undefined

/** Prepares the look-up for all views. */
export function lineage(views: CatalogView[], columns: CatalogColumn[]): Lineage {
  const byKey = new Map(columns.map((column) => [`${column.relation}.${column.number}`, column]))
  const rules = new Map(views.map((view) => [view.relation, { view, origins: columnOrigins(view.rule) }]))
  const follow: Lineage = (relation, number) => {
    const column = byKey.get(`${relation}.${number}`)
    if (!column) return undefined
    const rule = rules.get(relation)
    if (!rule) return { column, isNotNull: column.isNotNull, privileges: [column] }
    const origin = rule.origins.get(number)
    const base = origin && follow(origin.relation, origin.column)
    if (!origin || !base) return undefined
    return {
      column: base.column,
      isNotNull: base.isNotNull && !origin.isNulledByJoin,
      // A view that runs as its owner asks the caller for nothing below it.
      privileges: rule.view.isInvoker ? [column, ...base.privileges] : [column],
    }
  }
  return follow
}
