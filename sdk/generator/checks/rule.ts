/** What one part of a check says about its column, in words a validator can follow. */
import type { Scalar } from '../shape/shape.ts'

/** A bound: inclusive unless `isExclusive`. The value is kept as written, so that no digit is lost. */
export type Bound = { side: 'min' | 'max'; value: string; isExclusive: boolean }

/** One translated part. */
export type Rule =
  | { rule: 'length'; of: 'codePoints' | 'bytes' | 'items'; bound: Bound }
  | { rule: 'value'; bound: Bound }
  | { rule: 'oneOf'; values: Scalar[] }
  | { rule: 'pattern'; pattern: string; isNegated: boolean }
  | { rule: 'jsonType'; type: string }
  | { rule: 'jsonSchema'; schemaFunction: string }

/** A rule, or the reason why there is none. */
export type Translation = { rule: Rule } | { reason: string }
