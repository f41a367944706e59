/** Gives every JSON Schema function of the catalog a named shape, and finds them in each other. */
import { isDeepStrictEqual } from 'node:util'
import type { CatalogJsonSchema } from '../catalog/json-schemas.ts'
import { readTags } from '../catalog/tags.ts'
import { GeneratorError } from '../generator-error.ts'
import { shapeFromJsonSchema } from '../shape/from-json-schema.ts'
import type { NamedShape } from './model.ts'

/** The shapes, each after those it refers to. */
export function namedShapes(schemas: CatalogJsonSchema[]): NamedShape[] {
  const names = new Map<string, string>()
  for (const { schemaFunction } of schemas) {
    const name = shapeName(schemaFunction)
    const other = names.get(name)
    if (other)
      throw new GeneratorError(`${other}() and ${schemaFunction}() would both be called ${name} in the SDK.`)
    names.set(name, schemaFunction)
  }
  const shapes = schemas.map((own): NamedShape => {
    const known = (value: unknown) =>
      schemas.find((other) => other !== own && isDeepStrictEqual(other.schema, value))?.schemaFunction
    const shape = shapeFromJsonSchema(own.schema, `${own.schemaFunction}()`, (value) => {
      const found = known(value)
      return found && shapeName(found)
    })
    const { text } = readTags(own.comment ?? '', `function ${own.schemaFunction}`)
    const doc = typeof own.schema['description'] === 'string' ? own.schema['description'] : text
    return { name: shapeName(own.schemaFunction), doc, shape, schemaFunction: own.schemaFunction }
  })
  return dependenciesFirst(shapes)
}

/** `briefing.card_schema` becomes BriefingCard; what core describes needs no prefix. */
export function shapeName(schemaFunction: string): string {
  return schemaFunction
    .replace(/^core\./, '')
    .replace(/_schema$/, '')
    .replace(/(?:^|[._])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function dependenciesFirst(shapes: NamedShape[]): NamedShape[] {
  const sorted: NamedShape[] = []
  const visit = (shape: NamedShape): void => {
    if (sorted.includes(shape)) return
    const text = JSON.stringify(shape.shape)
    for (const other of shapes) {
      if (text.includes(`{"kind":"named","name":${JSON.stringify(other.name)}}`)) visit(other)
    }
    sorted.push(shape)
  }
  for (const shape of [...shapes].sort((a, b) => (a.name < b.name ? -1 : 1))) visit(shape)
  return sorted
}
