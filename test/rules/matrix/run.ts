/** Runs cells and collects what was unexpected. */
import type { TestApi } from '../../setup/api.ts'
import type { Cell } from './cell.ts'
import type { Field } from './field.ts'
import type { Identity, World } from './identities.ts'
import { judge } from './judge.ts'
import { difference, pairsOf } from './oracle-cells.ts'
import { embedCells, functionCells, hiddenCells, hiddenFunctionCells } from './other-cells.ts'
import { attackTables } from './sql-attacks.ts'
import type { View } from './surfaces.ts'
import { stateOf, victimQuery } from './untouched.ts'
import { MISSING, type Rows, type Targets, viewCells } from './view-cells.ts'

/** PostgREST has ten connections; more at once would only wait. */
const AT_ONCE = 8

/** What ran and what was wrong. */
export type Report = { cells: number; unexpected: string[]; controls: Set<string> }

/** Which part of the matrix runs: with `tables`, only these views and tables. (Default: all of it) */
export type Part = { views?: View[]; identities?: Identity[]; tables?: string[] }

/** Runs the matrix, or a part of it. */
export async function runMatrix(field: Field, part: Part = {}): Promise<Report> {
  const report: Report = { cells: 0, unexpected: [], controls: new Set() }
  const { world, surfaces } = field
  const query = await victimQuery(field.db.superuser)
  for (const identity of part.identities ?? world.identities) {
    const victim = victimOf(world, identity)
    const state = () => stateOf(field.db.superuser, query, victim.userId ?? '')
    const guarded = async (what: string, work: () => Promise<void>) => {
      const before = await state()
      await work()
      const changed = (await state()).filter((line) => !before.includes(line))
      if (changed.length > 0) {
        report.unexpected.push(`${identity.name}: ${what} changed what is not theirs: ${changed.join(', ')}`)
      }
    }
    for (const view of part.views ?? surfaces.views) {
      await guarded(`view ${view.name}`, () => attackView(field, report, identity, victim, view))
    }
    if (identity.role) {
      const { cells, unexpected } = await attackTables(field.db, identity, victim, part.tables)
      report.cells += cells
      report.unexpected.push(...unexpected.map((sentence) => `${identity.name}: ${sentence}`))
    }
    if (part.tables) continue
    await guarded('embedding', () => runAll(field.api, report, embedCells(identity, surfaces.views)))
    await guarded('hidden relations', () => runAll(field.api, report, hiddenCells(identity, surfaces)))
    await guarded('hidden functions', () =>
      runAll(field.api, report, hiddenFunctionCells(identity, field.hiddenFunctions)),
    )
    // Whom the guard refuses never gets as far as an id.
    const ids = identity.role ? [...(await foreignIds(field, identity, victim)), MISSING] : [MISSING]
    for (const fn of surfaces.functions) {
      // Some functions end the session they are called in.
      const fresh = { ...identity, ...(await tokenFor(world, identity)) }
      await guarded(`function ${fn.name}`, () => runAll(field.api, report, functionCells(fresh, fn, ids), 1))
    }
  }
  return report
}

async function tokenFor(world: World, identity: Identity): Promise<{ token?: string }> {
  const token = identity.role ? await world.freshToken(identity) : identity.token
  return token === undefined ? {} : { token }
}

async function attackView(
  field: Field,
  report: Report,
  identity: Identity,
  victim: Identity,
  view: View,
): Promise<void> {
  const targets = await targetsOf(field.api, identity, victim, view)
  const cells = viewCells(identity, view, targets)
  // Reads may overlap; writes must not, or one would answer for another.
  await runAll(
    field.api,
    report,
    cells.filter(({ method }) => method === 'GET' || method === 'HEAD'),
  )
  await runAll(
    field.api,
    report,
    cells.filter(({ method }) => method !== 'GET' && method !== 'HEAD'),
    1,
  )
  if (identity.role === undefined) return
  report.cells++
  const common = targets.common.length
  if (view.isOwned && common > 0 && !view.seesAll.includes(identity.role)) {
    report.unexpected.push(
      `${identity.name}: view ${view.name} shows ${common} rows that ${victim.name} sees as well`,
    )
  }
  for (const pair of pairsOf(view, targets)) {
    report.cells++
    const problem = await difference(field.api, identity, pair)
    if (problem) report.unexpected.push(`${identity.name}: view ${view.name}, ${pair.verb}: ${problem}`)
  }
}

async function runAll(api: TestApi, report: Report, cells: Cell[], atOnce = AT_ONCE): Promise<void> {
  const queue = [...cells]
  const work = async () => {
    for (let cell = queue.shift(); cell; cell = queue.shift()) {
      const { identity, method, path, headers, body } = cell
      const answer = await api.request(method, path, {
        token: identity.token,
        ...(headers ? { headers } : {}),
        body,
      })
      report.cells++
      const problem = judge(cell, answer)
      if (problem) report.unexpected.push(`${identity.name}: ${cell.surface}, ${cell.verb}: ${problem}`)
      else if (cell.control) report.controls.add(cell.control)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}

/** The controls that a run owes: whoever may do something with a view must have done it once. */
export function owedControls(identities: Identity[], views: View[]): string[] {
  return identities.flatMap(({ name, role }) =>
    role
      ? views.flatMap((view) =>
          Object.keys(view.grants[role] ?? {}).map((verb) => `${name}: ${view.name} ${verb}`),
        )
      : [],
  )
}

/** A's victim is B, B's is A, everybody else's is B. */
function victimOf(world: World, identity: Identity): Identity {
  const name = identity.name === 'user B' ? 'user A' : 'user B'
  const victim = world.identities.find((other) => other.name === name)
  if (!victim) throw new Error(`the matrix has no ${name}`)
  return victim
}

async function targetsOf(api: TestApi, identity: Identity, victim: Identity, view: View): Promise<Targets> {
  const rowsFor = async (who: Identity): Promise<Rows> => {
    const { body } = await api.get(`/${view.name}`, who.token)
    return Array.isArray(body) ? body : []
  }
  const own = await rowsFor(identity)
  const seen = new Set(own.map((row) => JSON.stringify(row)))
  const theirs = await rowsFor(victim)
  const common = theirs.filter((row) => seen.has(JSON.stringify(row)))
  const foreign = theirs.filter((row) => !seen.has(JSON.stringify(row)))
  return { own, common, foreign, victimId: victim.userId ?? '' }
}

/** One id of the victim's from each view: what an attacker might guess. */
async function foreignIds(field: Field, identity: Identity, victim: Identity): Promise<string[]> {
  const ids = new Set<string>([victim.userId ?? ''])
  for (const view of field.surfaces.views) {
    const { foreign } = await targetsOf(field.api, identity, victim, view)
    for (const { name, type } of view.columns) {
      const value = foreign[0]?.[name]
      if (type === 'uuid' && typeof value === 'string') ids.add(value)
    }
  }
  return [...ids]
}
