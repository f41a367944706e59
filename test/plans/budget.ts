/** What a query may cost, and what is wrong with one that costs more. */
import { type PlanNode, rowsRead, steps } from './plan.ts'

/** Limits of one query. */
export type Budget = {
  /** Rows taken from tables in all, those thrown away again included. */
  rows: number
  /** Partitions of any one table that were really looked into. (Default: 2) */
  partitions?: number
  /** Tables that are small whatever grows, so that reading them from end to end is right. */
  wholeTables?: readonly string[]
}

const PARTITION = /_\d{4}_\d{2}$/
/** A condition that asks who is there for each row anew; asked once, it stands there as a parameter ($0 or InitPlan). */
const ASKED_PER_ROW = /current_setting\(|current_user_id\(/

/** Everything that is wrong, in sentences; nothing: within the budget. */
export function overBudget(plans: readonly PlanNode[], budget: Budget): string[] {
  const all = plans.flatMap((plan) => [...steps(plan)]).filter((step) => step['Actual Loops'] > 0)
  const scans = all.filter((step) => step['Relation Name'] !== undefined && / Scan$/.test(step['Node Type']))
  const read = scans.reduce((sum, step) => sum + rowsRead(step), 0)
  const problems = read > budget.rows ? [`read ${read} rows, more than ${budget.rows}`] : []
  const partitions = new Map<string, Set<string>>()
  for (const step of scans) {
    const table = `${step.Schema}.${step['Relation Name']}`
    const parent = table.replace(PARTITION, '')
    if (step['Node Type'] === 'Seq Scan' && !budget.wholeTables?.includes(parent)) {
      problems.push(`read ${table} from end to end`)
    }
    if (parent !== table) partitions.set(parent, (partitions.get(parent) ?? new Set()).add(table))
    const condition = [step['Index Cond'], step.Filter, step['Recheck Cond']].join(' ')
    if (ASKED_PER_ROW.test(condition))
      problems.push(`asks for each row of ${table} who is there: ${condition.trim()}`)
  }
  for (const [parent, { size }] of partitions) {
    const most = budget.partitions ?? 2
    if (size > most) problems.push(`looked into ${size} partitions of ${parent}, more than ${most}`)
  }
  return problems
}

/** For the report. */
export function readInAll(plans: readonly PlanNode[]): number {
  return plans
    .flatMap((plan) => [...steps(plan)])
    .filter((step) => step['Relation Name'] !== undefined)
    .reduce((sum, step) => sum + rowsRead(step), 0)
}
