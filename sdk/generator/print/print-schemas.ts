/** Prints sdk/src/generated/schemas.ts: zod schemas of columns, rows, inserts, updates, arguments and results. */
import type { ColumnModel, FunctionModel, Model, ResultModel, ViewModel } from '../model/model.ts'
import { printMembers, printZod, schemaName } from '../shape/print-zod.ts'
import { formatTypescript, HEADER } from './format.ts'
import { printDoc } from './print-doc.ts'
import { printImports } from './print-imports.ts'

/** The whole file. */
export async function printSchemas({ views, functions, shapes }: Model): Promise<string> {
  const sections = [
    section(
      'columns',
      'What each column holds when it is not null, with what its checks demand.',
      views.map(printColumns),
    ),
    section('rows', 'Rows as the API answers with them. Further columns are dropped.', views.map(printRow)),
    section('inserts', 'What an insert may say. An unknown column is refused.', views.map(printInsert)),
    section('updates', 'What an update may say. An unknown column is refused.', views.map(printUpdate)),
    section('args', 'Arguments of the functions. An unknown argument is refused.', functions.map(printArgs)),
    section('results', 'What the functions answer with.', functions.map(printResult)),
  ]
  const body = sections.join('\n')
  const named = shapes
    .map(({ name }) => schemaName(name))
    .filter((name) => new RegExp(`\\b${name}\\b`).test(body))
    .sort()
  const shapeImport = named.length > 0 ? `import { ${named.join(', ')} } from './shapes.ts'\n` : ''
  return formatTypescript(`${HEADER}import { z } from 'zod'\n${printImports(body)}${shapeImport}\n${body}`)
}

function section(name: string, doc: string, entries: string[]): string {
  return `${printDoc(doc)}export const ${name} = {\n${entries.join('')}} as const\n`
}

function printColumns({ name, doc, columns }: ViewModel): string {
  const lines = columns.map((column) => `${printDoc(column.doc)}${column.name}: ${printZod(column.shape)},\n`)
  return `${printDoc(doc)}${name}: {\n${lines.join('')}},\n`
}

function printRow({ name, doc, columns }: ViewModel): string {
  const lines = columns.map((column) => member(name, column, column.isNullable ? '.nullable()' : ''))
  return `${printDoc(doc)}${name}: z.object({\n${lines.join('')}}),\n`
}

function printInsert({ name, doc, columns }: ViewModel): string {
  const written = columns.filter(({ insert }) => insert !== 'never')
  if (written.length === 0) return ''
  const lines = written.map((column) =>
    member(name, column, optionality(column, column.insert === 'optional')),
  )
  return `${printDoc(doc)}${name}: z.strictObject({\n${lines.join('')}}),\n`
}

function printUpdate({ name, doc, columns }: ViewModel): string {
  const written = columns.filter(({ isUpdatable }) => isUpdatable)
  if (written.length === 0) return ''
  const lines = written.map((column) => member(name, column, optionality(column, true)))
  return `${printDoc(doc)}${name}: z.strictObject({\n${lines.join('')}}),\n`
}

function member(view: string, { name }: ColumnModel, suffix: string): string {
  return `${name}: columns.${view}.${name}${suffix},\n`
}

function optionality({ isNullable }: ColumnModel, isOptional: boolean): string {
  return isNullable ? (isOptional ? '.nullish()' : '.nullable()') : isOptional ? '.optional()' : ''
}

function printArgs({ name, doc, args }: FunctionModel): string {
  const sorted = [...args].sort((a, b) => (a.name < b.name ? -1 : 1))
  return `${printDoc(doc)}${name}: z.strictObject({\n${printMembers(sorted)}}),\n`
}

function printResult({ name, result }: FunctionModel): string {
  const one = printOneResult(result)
  const text = result.isSet ? `z.array(${one})` : one
  return `${name}: ${text},\n`
}

function printOneResult(result: ResultModel): string {
  if (result.kind === 'rows') return `rows.${result.view}`
  if (result.kind === 'record') return `z.object({\n${printMembers(result.members)}})`
  return `${printZod(result.shape)}${result.isNullable ? '.nullable()' : ''}`
}
