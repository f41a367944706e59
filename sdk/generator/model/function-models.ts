/** Turns the catalog's functions into models. */
import type { CatalogFunction } from '../catalog/functions.ts'
import type { Catalog } from '../catalog/read-catalog.ts'
import type { Tags } from '../catalog/tags.ts'
import { GeneratorError } from '../generator-error.ts'
import { shapeFromPostgresType } from '../shape/from-postgres-type.ts'
import type { Shape } from '../shape/shape.ts'
import type { FunctionModel, NamedShape, ResultModel, ViewModel } from './model.ts'
import { requireDoc } from './view-models.ts'

/** The functions, and the names of those whose jsonb result has no declared shape. */
export type FunctionModels = { functions: FunctionModel[]; shapeless: string[] }

/**
 * Builds the models of the API's functions.
 * @throws GeneratorError for a missing comment, an overloaded name, an unnamed argument or a type without a shape
 */
export function functionModels(catalog: Catalog, views: ViewModel[], shapes: NamedShape[]): FunctionModels {
  const shapeless: string[] = []
  const functions = catalog.functions.map((one, index): FunctionModel => {
    const subject = `function api.${one.name}`
    if (catalog.functions[index + 1]?.name === one.name) {
      throw new GeneratorError(`The ${subject} exists twice. Give each its own name: clients call by name.`)
    }
    const tags = requireDoc(one.comment, subject)
    const result = readResult(catalog, one, tags, views, shapes)
    if (result.kind === 'value' && result.shape.kind === 'json') shapeless.push(one.name)
    return { id: one.id, name: one.name, doc: tags.text, args: readArguments(catalog, one), result }
  })
  return { functions, shapeless }
}

function readArguments(catalog: Catalog, one: CatalogFunction): FunctionModel['args'] {
  return one.arguments
    .map((argument, position) => ({ argument, position }))
    .filter(({ argument }) => 'ibv'.includes(argument.mode))
    .map(({ argument, position }) => {
      if (argument.name === '')
        throw new GeneratorError(`An argument of api.${one.name} has no name; clients need one.`)
      return {
        position,
        name: argument.name,
        shape: shapeOf(catalog, argument.type, `argument ${argument.name} of api.${one.name}`),
        // Whoever leaves it out gets null, so null may be said, too.
        isNullable: argument.default !== null && /^NULL(::|$)/i.test(argument.default),
        isOptional: argument.default !== null,
        doc: '',
      }
    })
}

function readResult(
  catalog: Catalog,
  one: CatalogFunction,
  tags: Tags,
  views: ViewModel[],
  shapes: NamedShape[],
): ResultModel {
  const { isSet } = one
  const outputs = one.arguments.filter(({ mode }) => 'tbo'.includes(mode))
  if (outputs.length > 0) {
    const members = outputs.map(({ name, type }) => ({
      name,
      shape: shapeOf(catalog, type, `result ${name} of api.${one.name}`),
      isNullable: tags.nullable.includes(name),
      isOptional: false,
      doc: '',
    }))
    return { kind: 'record', members, isSet }
  }
  const type = catalog.types.get(one.returns)
  const view = catalog.views.find((candidate) => candidate.relation === type.relation)
  if (view && views.some(({ name }) => name === view.name && view.schema === 'api')) {
    return { kind: 'rows', view: view.name, isSet }
  }
  const isNullable = tags.nullable.includes('result')
  if (tags.returns === undefined) {
    return {
      kind: 'value',
      shape: shapeOf(catalog, one.returns, `result of api.${one.name}`),
      isNullable,
      isSet,
    }
  }
  const named = shapes.find(({ schemaFunction }) => schemaFunction === tags.returns)
  if (!named || type.name !== 'jsonb') {
    throw new GeneratorError(
      `api.${one.name} declares @returns ${tags.returns} but returns ${type.name}, not jsonb.`,
    )
  }
  return { kind: 'value', shape: { kind: 'named', name: named.name }, isNullable, isSet }
}

function shapeOf(catalog: Catalog, id: number, subject: string): Shape {
  const type = catalog.types.get(id)
  const shape = shapeFromPostgresType(type)
  if (!shape)
    throw new GeneratorError(`The ${subject} has the type ${type.name}, which the SDK has no shape for.`)
  return shape
}
