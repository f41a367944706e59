/** Narrows the shape of a column by one rule of its checks. */
import { translatePattern } from '../regex/translate-pattern.ts'
import type { Shape, TextRule } from '../shape/shape.ts'
import { applyNumberBound, type NumberColumn } from './number-bound.ts'
import type { Bound, Rule } from './rule.ts'

/** What a rule may need to know about the column beyond its shape. */
export type RuleContext = NumberColumn & {
  /** The shape that a JSON Schema function describes. */
  jsonSchema(schemaFunction: string): Shape
}

/** The narrower shape, or the reason why the rule does not fit it. */
export type Narrowed = { shape: Shape } | { reason: string }

/** Applies one rule; rules of one column are applied one after another. */
export function applyRule(shape: Shape, rule: Rule, context: RuleContext): Narrowed {
  switch (rule.rule) {
    case 'oneOf':
      return shape.kind === 'text' && shape.rules.length === 0
        ? { shape: { kind: 'oneOf', values: rule.values } }
        : misfit(shape, 'a list of values')
    case 'pattern':
      return applyPattern(shape, rule.pattern, rule.isNegated)
    case 'length':
      return applyLength(shape, rule.of, rule.bound)
    case 'value':
      return applyValue(shape, rule.bound, context)
    case 'jsonType':
      return applyJsonType(shape, rule.type)
    case 'jsonSchema':
      return shape.kind === 'json'
        ? { shape: context.jsonSchema(rule.schemaFunction) }
        : misfit(shape, 'a JSON Schema')
  }
}

function applyPattern(shape: Shape, pattern: string, isNegated: boolean): Narrowed {
  const translated = translatePattern(pattern)
  if ('reason' in translated) return translated
  return addTextRule(shape, { rule: 'matches', source: translated.source, isNegated })
}

function applyValue(shape: Shape, bound: Bound, context: RuleContext): Narrowed {
  if (shape.kind !== 'number') return misfit(shape, 'a comparison with a number')
  const applied = applyNumberBound(shape.bounds, bound, context)
  return 'reason' in applied ? applied : { shape: { ...shape, bounds: applied.bounds } }
}

function applyLength(shape: Shape, of: 'codePoints' | 'bytes' | 'items', bound: Bound): Narrowed {
  if (!/^[0-9]+$/.test(bound.value)) return { reason: `a length is compared with ${bound.value}` }
  const edge = Number(bound.value) + (bound.isExclusive ? (bound.side === 'min' ? 1 : -1) : 0)
  if (of === 'items') {
    if (shape.kind !== 'array') return misfit(shape, 'a cardinality')
    const tighter = bound.side === 'min' ? Math.max : Math.min
    return { shape: { ...shape, [bound.side]: tighter(shape[bound.side] ?? edge, edge) } }
  }
  return addTextRule(shape, { rule: of, [bound.side]: edge })
}

function addTextRule(shape: Shape, rule: TextRule): Narrowed {
  if (shape.kind !== 'text') return misfit(shape, 'a rule about text')
  const last = shape.rules.at(-1)
  // char_length(x) >= 1 and char_length(x) <= 80 becomes one rule.
  const isSecondHalf =
    last && 'min' in last && !('max' in last) && 'max' in rule && !('min' in rule) && last.rule === rule.rule
  const rules = isSecondHalf ? [...shape.rules.slice(0, -1), { ...last, ...rule }] : [...shape.rules, rule]
  return { shape: { kind: 'text', rules: rules as TextRule[] } }
}

function applyJsonType(shape: Shape, type: string): Narrowed {
  const types = ['string', 'number', 'boolean', 'object', 'array'] as const
  const known = types.find((name) => name === type)
  return shape.kind === 'json' && known
    ? { shape: { kind: 'jsonOf', type: known } }
    : misfit(shape, `the JSON type ${type}`)
}

function misfit(shape: Shape, what: string): Narrowed {
  return { reason: `${what} does not fit a column that is already "${shape.kind}"` }
}
