/** Turns the catalog's views into models: nullability and privileges from the tables behind, shapes from their checks. */
import type { CatalogColumn } from '../catalog/columns.ts'
import type { Catalog } from '../catalog/read-catalog.ts'
import { readTags } from '../catalog/tags.ts'
import { type CatalogView, isApiView } from '../catalog/views.ts'
import { GeneratorError } from '../generator-error.ts'
import { shapeFromPostgresType } from '../shape/from-postgres-type.ts'
import { applyChecks, type CheckOutcome } from './column-checks.ts'
import { type BaseColumn, lineage } from './lineage.ts'
import type { ColumnModel, NamedShape, ViewModel } from './model.ts'

/** The views, and what became of the checks behind their columns. */
export type ViewModels = {
  views: ViewModel[]
  outcomes: (CheckOutcome & { column: string; seenAs: string })[]
  /** Columns whose type is a domain with checks, which are not translated. */
  domainColumns: { column: string; domain: string }[]
}

/**
 * Builds the models of the API's reachable views.
 * @throws GeneratorError for a missing comment or a type without a shape
 */
export function viewModels(catalog: Catalog, shapes: NamedShape[]): ViewModels {
  const follow = lineage(catalog.views, catalog.columns)
  const outcomes: ViewModels['outcomes'] = []
  const domainColumns: ViewModels['domainColumns'] = []
  const views = catalog.views.filter(isApiView).flatMap((view): ViewModel[] => {
    const columns = catalog.columns.filter((column) => column.relation === view.relation)
    const reachable = columns.filter((column) => column.readers.length > 0)
    if (reachable.length === 0) return []
    const writer = writerOf(view, columns, follow)
    const models = reachable.map((column): ColumnModel => {
      const base = follow(view.relation, column.number)
      const { hasDomainChecks, name: domain } = catalog.types.get(column.type)
      if (hasDomainChecks) domainColumns.push({ column: `${view.name}.${column.name}`, domain })
      const described = describeColumn(catalog, shapes, view, column, base)
      for (const outcome of described.outcomes) {
        outcomes.push({ ...outcome, column: base?.column.name ?? '', seenAs: `${view.name}.${column.name}` })
      }
      return { ...described.model, ...writable(view, column, base, writer) }
    })
    refuseWriteOnly(view, columns)
    models.sort((a, b) => (a.name < b.name ? -1 : 1))
    return [
      {
        name: view.name,
        doc: requireDoc(view.comment, `view api.${view.name}`).text,
        columns: models,
        isWritable: models.some((column) => column.insert !== 'never' || column.isUpdatable),
      },
    ]
  })
  return { views, outcomes, domainColumns }
}

/**
 * The tags of a comment.
 * @throws GeneratorError without one, because the SDK's documentation is printed from it
 */
export function requireDoc(comment: string | null, subject: string): ReturnType<typeof readTags> {
  const tags = readTags(comment ?? '', subject)
  if (tags.text === '') {
    throw new GeneratorError(`The ${subject} has no comment. Write one with: comment on ${subject} is $$…$$;`)
  }
  return tags
}

function describeColumn(
  catalog: Catalog,
  shapes: NamedShape[],
  view: CatalogView,
  column: CatalogColumn,
  base: BaseColumn | undefined,
): { model: Pick<ColumnModel, 'name' | 'doc' | 'shape' | 'isNullable'>; outcomes: CheckOutcome[] } {
  const subject = `column api.${view.name}.${column.name}`
  const tags = requireDoc(column.comment, subject)
  const type = catalog.types.get(column.type)
  const plain = shapeFromPostgresType(type)
  if (!plain)
    throw new GeneratorError(`The ${subject} has the type ${type.name}, which the SDK has no shape for.`)
  const { shape, outcomes } = base
    ? applyChecks(plain, base.column, catalog.checks, {
        // atttypmod of numeric holds the scale in its lower bits. Source: numeric_typmod_scale() in numeric.c.
        scale:
          type.name === 'numeric' && base.column.modifier >= 0
            ? (base.column.modifier - 4) & 0x7ff
            : undefined,
        jsonSchema: (schemaFunction) => {
          const named = shapes.find((candidate) => candidate.schemaFunction === schemaFunction)
          if (!named) throw new GeneratorError(`The JSON Schema of ${schemaFunction}() was not read.`)
          return { kind: 'named', name: named.name }
        },
      })
    : { shape: plain, outcomes: [] }
  const isNullable = !(tags.isNotNull || base?.isNotNull)
  return { model: { name: column.name, doc: tags.text, shape, isNullable }, outcomes }
}

/** Users come first: an admin's wider rights are no use to most callers and would hide their mistakes. */
function writerOf(view: CatalogView, columns: CatalogColumn[], follow: ReturnType<typeof lineage>): string {
  const mayWrite = (role: string) =>
    columns.some((column) => {
      const base = follow(view.relation, column.number)
      return (
        (view.takesInserts && isGranted(column, base, role, 'inserters')) ||
        (view.takesUpdates && isGranted(column, base, role, 'updaters'))
      )
    })
  return mayWrite('howdah_user') ? 'howdah_user' : 'howdah_admin'
}

function writable(
  view: CatalogView,
  column: CatalogColumn,
  base: BaseColumn | undefined,
  role: string,
): Pick<ColumnModel, 'insert' | 'isUpdatable'> {
  const isComputed = base?.column.isComputed ?? false
  const mayInsert = view.takesInserts && !isComputed && isGranted(column, base, role, 'inserters')
  const isRequired = base?.column.isNotNull && !base.column.hasDefault && !column.hasDefault
  return {
    insert: mayInsert ? (isRequired ? 'required' : 'optional') : 'never',
    isUpdatable: view.takesUpdates && !isComputed && isGranted(column, base, role, 'updaters'),
  }
}

function isGranted(
  column: CatalogColumn,
  base: BaseColumn | undefined,
  role: string,
  privilege: 'inserters' | 'updaters',
): boolean {
  return (base?.privileges ?? [column]).every((level) => level[privilege].includes(role))
}

function refuseWriteOnly(view: CatalogView, columns: CatalogColumn[]): void {
  const hidden = columns.find(
    (column) => column.readers.length === 0 && (column.inserters.length > 0 || column.updaters.length > 0),
  )
  if (!hidden) return
  throw new GeneratorError(
    `api.${view.name}.${hidden.name} may be written but not read, which the SDK's types cannot say. Grant select, or take it through a function.`,
  )
}
