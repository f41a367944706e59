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
    const found = { table, constraint, definition, column, seenAs: [seenAs] }
    if (reasons.length === 0) note(translated, found, seenAs)
    else note(untranslated, { ...found, reason: reasons.join('; ') }, seenAs)
  }
  for (const { column, domain } of domainColumns) {
    const reason = 'checks of domains are not translated'
    const definition = `a domain over ${domain}`
    untranslated.set(column, { table: 'api', constraint: '', definition, column, seenAs: [column], reason })
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

/** One column may be shown by several views, and one check may look at several columns. */
function note<T extends Translated>(list: Map<string, T>, found: T, seenAs: string): void {
  const key = `${found.table} ${found.constraint}`
  const known = list.get(key)
  if (known) known.seenAs.push(seenAs)
  else list.set(key, found)
}
