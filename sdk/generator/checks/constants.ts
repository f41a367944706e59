/** Reads constants and names out of a parsed expression. */
import type { Node } from '@pgsql/types'

/** The number a node stands for, as written: `5`, `(5)::numeric`, `'-5'::integer::double precision`. */
export function numberConstant(node: Node | undefined): string | undefined {
  if (!node) return undefined
  if ('TypeCast' in node) {
    return NUMERIC_TYPES.has(typeName(node) ?? '') ? numberConstant(node.TypeCast.arg) : undefined
  }
  if (!('A_Const' in node)) return undefined
  const { ival, fval, sval } = node.A_Const
  const text = ival ? String(ival.ival ?? 0) : (fval?.fval ?? sval?.sval)
  return text !== undefined && /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? text : undefined
}

/** The text a node stands for: `'user'::text`. */
export function textConstant(node: Node | undefined): string | undefined {
  if (!node) return undefined
  if ('TypeCast' in node) {
    return TEXT_TYPES.has(typeName(node) ?? '') ? textConstant(node.TypeCast.arg) : undefined
  }
  // An empty text is parsed to an empty object.
  return 'A_Const' in node && node.A_Const.sval ? (node.A_Const.sval.sval ?? '') : undefined
}

/** The column a node names, also through a cast from varchar to text, which changes nothing. */
export function columnName(node: Node | undefined): string | undefined {
  if (!node) return undefined
  if ('TypeCast' in node) return typeName(node) === 'text' ? columnName(node.TypeCast.arg) : undefined
  if (!('ColumnRef' in node)) return undefined
  const [field, ...others] = node.ColumnRef.fields ?? []
  return field && others.length === 0 && 'String' in field ? field.String.sval : undefined
}

/** A called function's name, with its schema unless that is pg_catalog, and its arguments. */
export function functionCall(node: Node | undefined): { name: string; args: Node[] } | undefined {
  if (!node || !('FuncCall' in node)) return undefined
  const parts = (node.FuncCall.funcname ?? []).map((part) => ('String' in part ? part.String.sval : ''))
  return { name: parts.filter((part) => part !== 'pg_catalog').join('.'), args: node.FuncCall.args ?? [] }
}

const NUMERIC_TYPES = new Set(['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'])
const TEXT_TYPES = new Set(['text', 'varchar'])

function typeName(node: Extract<Node, { TypeCast: unknown }>): string | undefined {
  const last = node.TypeCast.typeName?.names?.at(-1)
  return last && 'String' in last ? last.String.sval : undefined
}
