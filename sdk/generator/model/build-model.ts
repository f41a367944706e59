/** From catalog rows to the model that is printed. Pure. */
import type { Catalog } from '../catalog/read-catalog.ts'
import { functionModels } from './function-models.ts'
import type { Model, Translated, Untranslated } from './model.ts'
import { namedShapes } from './named-shapes.ts'
import { viewModels } from './view-models.ts'

/** Builds the model. */
export function buildModel(catalog: Catalog): Model {
  const shapes = namedShapes(catalog.jsonSchemas)
  const { views, outcomes, domainColumns } = viewModels(catalog, shapes)
  const { functions, shapeless } = functionModels(catalog, views, shapes)
  const translated = new Map<string, Translated>()
  const untranslated = new Map<string, Untranslated>()
  for (const { check, reasons, column, seenAs } of outcomes) {
    const { table, name: constraint, definition } = check
    const key = `${table} ${constraint} ${column}`
    if (reasons.length > 0) {
      untranslated.set(`${table} ${constraint}`, {
        table,
        constraint,
        definition,
        reason: reasons.join('; '),
      })
      continue
    }
    const known = translated.get(key)
    if (known) known.seenAs.push(seenAs)
    else translated.set(key, { table, constraint, definition, column, seenAs: [seenAs] })
  }
  for (const { column, domain } of domainColumns) {
    const reason = 'checks of domains are not translated'
    untranslated.set(column, {
      table: `api.${column}`,
      constraint: '',
      definition: `a domain over ${domain}`,
      reason,
    })
  }
  return {
    views,
    functions,
    shapes,
    errors: catalog.errors,
    errorCodes: catalog.errorCodes,
    translated: [...translated.values()],
    untranslated: [...untranslated.values()],
    shapeless,
  }
}
