/** What Postgres did, as EXPLAIN (ANALYZE, FORMAT JSON) tells it, and what of it costs. */
import { z } from 'zod'

const node = z.looseObject({
  'Node Type': z.string(),
  'Relation Name': z.string().optional(),
  Schema: z.string().optional(),
  'Index Cond': z.string().optional(),
  Filter: z.string().optional(),
  'Recheck Cond': z.string().optional(),
  'Actual Rows': z.number().default(0),
  'Actual Loops': z.number().default(0),
  'Rows Removed by Filter': z.number().default(0),
  'Rows Removed by Index Recheck': z.number().default(0),
  get Plans() {
    return z.array(node).default([])
  },
})
/** One step of a plan; `Plans` are the steps below it. */
export type PlanNode = z.infer<typeof node>

const plans = z.array(z.looseObject({ Plan: node }))

/** Parses the answer of EXPLAIN, or what auto_explain wrote. */
export function parsePlan(json: unknown): PlanNode[] {
  return plans.parse(Array.isArray(json) ? json : [json]).map(({ Plan }) => Plan)
}

/** Every step, the outermost first. */
export function* steps(of: PlanNode): Generator<PlanNode> {
  yield of
  for (const inner of of.Plans) yield* steps(inner)
}

/** Rows that a step took from its table, those it threw away again included. */
export function rowsRead(step: PlanNode): number {
  const each = step['Actual Rows'] + step['Rows Removed by Filter'] + step['Rows Removed by Index Recheck']
  return Math.round(each * step['Actual Loops'])
}
