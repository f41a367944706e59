/** Changes what postgrest-typegen has read, so that it prints what is true of our views. */
import type { GeneratorMetadata } from '@supabase/postgrest-typegen'
import { API_SCHEMA } from '../catalog/database.ts'
import { GeneratorError } from '../generator-error.ts'
import type { ColumnModel, FunctionModel, Model } from '../model/model.ts'
import { printType } from '../shape/print-type.ts'
import type { Placeholders } from './placeholders.ts'

/** Which of the two kinds of writing the printed types are for; typegen knows one flag for both. */
export type Writing = 'insert' | 'update'

/** The metadata with our nullability, types, privileges, and nothing that no web role can reach. */
export function patchMetadata(
  metadata: GeneratorMetadata,
  model: Model,
  placeholders: Placeholders,
  writing: Writing,
): GeneratorMetadata {
  const views = new Map(model.views.map((view) => [view.name, view]))
  const functions = new Map(model.functions.map((one) => [one.id, one]))
  const isApiView = (schema: string, name: string) => schema === API_SCHEMA && views.has(name)
  const reachable = metadata.views.filter(({ schema, name }) => isApiView(schema, name))
  const columns = reachable.flatMap(({ id, name }) =>
    (views.get(name)?.columns ?? []).map((column) => {
      const read = metadata.columns.find(
        (candidate) => candidate.table_id === id && candidate.name === column.name,
      )
      if (!read) throw new GeneratorError(`postgrest-typegen does not know api.${name}.${column.name}.`)
      return patchColumn(read, column, placeholders, writing)
    }),
  )
  // Its gate for strict types is being a table, so writable views go among the tables.
  const isWritable = ({ name }: { name: string }) => views.get(name)?.isWritable === true
  return {
    ...metadata,
    schemas: metadata.schemas.filter(({ name }) => name === API_SCHEMA),
    tables: reachable.filter(isWritable).map(asTable),
    foreignTables: [],
    materializedViews: [],
    views: reachable
      .filter((view) => !isWritable(view))
      .map((view) => ({ ...view, is_updatable: false, is_insert_enabled: false, is_update_enabled: false })),
    columns,
    relationships: metadata.relationships.filter(
      (one) =>
        isApiView(one.schema, one.relation) && isApiView(one.referenced_schema, one.referenced_relation),
    ),
    functions: metadata.functions.flatMap((read) => {
      const one = functions.get(read.id)
      return one ? [patchFunction(read, one, placeholders)] : []
    }),
    types: [...metadata.types, ...placeholders.types],
  }
}

type MetadataColumn = GeneratorMetadata['columns'][number]
type MetadataFunction = GeneratorMetadata['functions'][number]

function patchColumn(
  read: MetadataColumn,
  column: ColumnModel,
  placeholders: Placeholders,
  writing: Writing,
): MetadataColumn {
  const type = placeholders.add(printType(column.shape), column.doc)
  const mayWrite = writing === 'insert' ? column.insert !== 'never' : column.isUpdatable
  return {
    ...read,
    format: type.name,
    type_schema: type.schema,
    is_nullable: column.isNullable,
    is_identity: false,
    identity_generation: null,
    // Its word for "may not be written".
    is_generated: !mayWrite,
    default_value: column.insert === 'required' ? null : 'default',
  }
}

function patchFunction(
  read: MetadataFunction,
  one: FunctionModel,
  placeholders: Placeholders,
): MetadataFunction {
  const { result } = one
  const args = read.args.map((argument) => {
    const input = one.args.find(
      ({ name }) => name === argument.name && 'inout variadic'.includes(argument.mode),
    )
    const output =
      result.kind === 'record' ? result.members.find(({ name }) => name === argument.name) : undefined
    const member = argument.mode === 'table' || argument.mode === 'out' ? output : input
    if (!member)
      throw new GeneratorError(`postgrest-typegen sees an argument ${argument.name} of api.${one.name}.`)
    const type = `${printType(member.shape)}${member.isNullable ? ' | null' : ''}`
    return { ...argument, type_id: placeholders.add(type, member.doc).id }
  })
  if (result.kind !== 'value') return { ...read, args }
  const type = `${printType(result.shape)}${result.isNullable ? ' | null' : ''}`
  return { ...read, args, return_type_id: placeholders.add(type, '').id }
}

function asTable({
  id,
  schema,
  name,
  comment,
}: GeneratorMetadata['views'][number]): GeneratorMetadata['tables'][number] {
  return {
    id,
    schema,
    name,
    comment,
    rls_enabled: false,
    rls_forced: false,
    replica_identity: 'DEFAULT',
    bytes: 0,
    size: '',
    live_rows_estimate: 0,
    dead_rows_estimate: 0,
  }
}
