/** Translates one part of a check on one column, exactly or not at all. */
import type { Node } from '@pgsql/types'
import { columnName, functionCall, numberConstant, textConstant } from './constants.ts'
import type { Bound, Rule, Translation } from './rule.ts'

/** The rule that a part states about `column`, or why it has no translation. */
export function translatePart(part: Node, column: string): Translation {
  const call = functionCall(part)
  if (call) return translateCall(call, column)
  if (!('A_Expr' in part)) return { reason: `${Object.keys(part)[0]} is not a comparison` }
  const { kind, name, lexpr, rexpr } = part.A_Expr
  const [first] = name ?? []
  const operator = first && 'String' in first ? (first.String.sval ?? '') : ''
  if (kind === 'AEXPR_OP_ANY' || kind === 'AEXPR_IN') return translateList(operator, lexpr, rexpr, column)
  if (kind !== 'AEXPR_OP') return { reason: `${kind} is not a plain comparison` }
  if (operator === '~' || operator === '!~') return translatePattern(operator, lexpr, rexpr, column)
  return translateComparison(operator, lexpr, rexpr, column)
}

function translateCall(call: { name: string; args: Node[] }, column: string): Translation {
  const [value, schema] = call.args
  if (call.name !== 'core.matches_json_schema') {
    return { reason: `the function ${call.name}() has no equal in the SDK` }
  }
  const schemaCall = functionCall(schema)
  if (columnName(value) !== column || !schemaCall || schemaCall.args.length > 0) {
    return { reason: 'the JSON Schema does not come from a function without arguments' }
  }
  return { rule: { rule: 'jsonSchema', schemaFunction: schemaCall.name } }
}

function translateList(
  operator: string,
  left: Node | undefined,
  right: Node | undefined,
  column: string,
): Translation {
  if (operator !== '=' || columnName(left) !== column)
    return { reason: 'it compares an expression with a list' }
  const elements = right && 'A_ArrayExpr' in right ? right.A_ArrayExpr.elements : undefined
  const items = elements ?? (right && 'List' in right ? right.List.items : undefined)
  const values = items?.map(textConstant)
  if (!values || values.some((value) => value === undefined)) {
    return { reason: 'the list holds something else than text constants' }
  }
  return { rule: { rule: 'oneOf', values: values.filter((value) => value !== undefined) } }
}

function translatePattern(
  operator: string,
  left: Node | undefined,
  right: Node | undefined,
  column: string,
): Translation {
  const pattern = textConstant(right)
  if (columnName(left) !== column || pattern === undefined) {
    return { reason: 'the pattern or what it is matched with is an expression' }
  }
  return { rule: { rule: 'pattern', pattern, isNegated: operator === '!~' } }
}

function translateComparison(
  operator: string,
  left: Node | undefined,
  right: Node | undefined,
  column: string,
): Translation {
  const text = textConstant(right)
  const call = functionCall(left)
  if (operator === '=' && text !== undefined) {
    if (columnName(left) === column) return { rule: { rule: 'oneOf', values: [text] } }
    if (call?.name === 'jsonb_typeof' && columnName(call.args[0]) === column) {
      return { rule: { rule: 'jsonType', type: text } }
    }
  }
  const value = numberConstant(right)
  if (value === undefined) return { reason: 'it compares with something else than a number' }
  const bound = boundOf(operator, value)
  if (!bound) return { reason: `the operator ${operator} has no translation here` }
  if (columnName(left) === column) return { rule: { rule: 'value', bound } }
  const of = call && columnName(call.args[0]) === column ? LENGTHS[call.name] : undefined
  if (!of)
    return { reason: `${call ? `the function ${call.name}()` : 'the expression'} has no equal in the SDK` }
  return { rule: { rule: 'length', of, bound } }
}

const LENGTHS: Record<string, Extract<Rule, { rule: 'length' }>['of']> = {
  char_length: 'codePoints',
  character_length: 'codePoints',
  length: 'codePoints',
  octet_length: 'bytes',
  cardinality: 'items',
}

function boundOf(operator: string, value: string): Bound | undefined {
  if (operator === '>=') return { side: 'min', value, isExclusive: false }
  if (operator === '>') return { side: 'min', value, isExclusive: true }
  if (operator === '<=') return { side: 'max', value, isExclusive: false }
  if (operator === '<') return { side: 'max', value, isExclusive: true }
  return undefined
}
