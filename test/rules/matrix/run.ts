/** Runs cells and collects what was unexpected. */
import type { TestApi } from '../../setup/api.ts'
import type { Cell } from './cell.ts'
import type { Field } from './field.ts'
import { functionCells, type VictimIds } from './function-cells.ts'
import type { Identity, World } from './identities.ts'
import { insiderFunctions, memberCell, ownerCell } from './insiders.ts'
import { judge } from './judge.ts'
import { difference, pairsOf } from './oracle-cells.ts'
import { embedCells, hiddenCells, hiddenFunctionCells } from './other-cells.ts'
import { attackBySql } from './sql-attacks.ts'
import type { View } from './surfaces.ts'
import { stateOf, victimQuery } from './untouched.ts'
import { MISSING, type Rows, type Targets, viewCells } from './view-cells.ts'

/** PostgREST has ten connections; more at once would only wait. */
const AT_ONCE = 8

/** What ran and what was wrong. */
export type Report = { cells: number; unexpected: string[]; controls: Set<string> }

/** Which part of the matrix runs: with `tables`, only these views and tables. (Default: all of it) */
export type Part = {
  views?: View[]
  identities?: Identity[]
  tables?: string[]
  /** Only the first of each role tries what is hidden, and whom the guard refuses tries just views and functions. */
  isShort?: boolean
}

/** Runs the matrix, or a part of it. */
export async function runMatrix(field: Field, part: Part = {}): Promise<Report> {
  const report: Report = { cells: 0, unexpected: [], controls: new Set() }
  const { world, surfaces } = field
  for (const known of part.identities ?? world.identities) {
    const identity = await world.renewed(known)
    const victim = await world.renewed(victimOf(world, known))
    const guarded = await guard(field, report, identity, victim)
    // Looking at everything of the victim's costs more than most attacks: in short after all of a kind, not after each.
    const each = async <One>(
      ones: One[],
      name: (one: One) => string,
      attack: (one: One) => Promise<void>,
    ) => {
      if (!part.isShort) {
        for (const one of ones) await guarded(name(one), () => attack(one))
        return
      }
      await guarded(`one of ${ones.map(name).join(', ')}`, async () => {
        for (const one of ones) await attack(one)
      })
    }
    await each(
      part.views ?? surfaces.views,
      ({ name }) => `view ${name}`,
      (view) => attackView(field, report, identity, victim, view),
    )
    if (identity.role) {
      const { cells, unexpected } = await attackBySql(field, identity, victim, part)
      report.cells += cells
      report.unexpected.push(...unexpected)
    }
    if (part.tables) continue
    const isFirst = world.identities.find(({ role }) => role === identity.role)?.name === identity.name
    if (isFirst || !part.isShort) {
      await guarded('hidden relations', () => runAll(field.api, report, hiddenCells(identity, surfaces)))
      await guarded('hidden functions', () =>
        runAll(field.api, report, hiddenFunctionCells(identity, field.hiddenFunctions)),
      )
    }
    const embeddings = embedCells(identity, surfaces.views)
    if (identity.role || !part.isShort) {
      await guarded('embedding', () => runAll(field.api, report, embeddings))
    }
    if (part.isShort && identity.role === undefined) {
      // Whom the guard refuses never gets as far as an id.
      const nobodys = { all: [MISSING], named: new Map() }
      const calls = surfaces.functions.flatMap((fn) => functionCells(identity, fn, nobodys))
      await guarded('functions', () => runAll(field.api, report, calls))
      continue
    }
    const ids = await idsOf(field, identity, victim)
    await each(
      surfaces.functions,
      ({ name }) => `function ${name}`,
      async (fn) => {
        // Some functions end the session they are called in.
        const fresh = await world.renewed(identity)
        await runAll(field.api, report, functionCells(fresh, fn, ids, part.isShort), 1)
      },
    )
  }
  return report
}

/** Attacks from within one organization; the controls are the functions that its owner got through. */
export async function runInsiders(field: Field): Promise<Report> {
  const report: Report = { cells: 0, unexpected: [], controls: new Set() }
  const { world, surfaces, api } = field
  const find = async (name: string) => {
    const found = world.identities.find((one) => one.name === name)
    if (!found) throw new Error(`the matrix has no ${name}`)
    return world.renewed(found)
  }
  const [member, owner] = [await find('member of A'), await find('user A')]
  const { named } = await idsOf(field, await find('user B'), owner)
  const guarded = await guard(field, report, member, owner)
  for (const fn of insiderFunctions(surfaces.functions)) {
    await guarded(`function ${fn.name}`, () => runAll(api, report, [memberCell(member, fn, named)]))
    await runAll(api, report, [ownerCell(owner, fn, named)])
  }
  return report
}

/** Does pieces of work and reports what each changed of the victim's; between them nobody else is at work. */
async function guard(field: Field, report: Report, identity: Identity, victim: Identity) {
  const query = await victimQuery(field.db.superuser)
  const state = () => stateOf(field.db.superuser, query, victim.userId ?? '')
  let before = await state()
  return async (what: string, work: () => Promise<void>) => {
    await work()
    const after = await state()
    const changed = after.filter((line) => !before.includes(line))
    before = after
    if (changed.length > 0) {
      report.unexpected.push(`${identity.name}: ${what} changed what is not theirs: ${changed.join(', ')}`)
    }
  }
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
  const mayShare = [identity, victim].some(({ role }) => role && view.seesAll.includes(role))
  if (view.isOwned && common > 0 && !mayShare) {
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

/** The controls that a run owes: whoever has rows everywhere and may do something with a view must have done it once. */
export function owedControls(identities: Identity[], views: View[]): string[] {
  return identities.flatMap(({ name, role, owesControls }) =>
    role && owesControls
      ? views.flatMap((view) =>
          Object.keys(view.grants[role] ?? {}).map((verb) => `${name}: ${view.name} ${verb}`),
        )
      : [],
  )
}

/** Whom an identity attacks. */
export function victimOf(world: World, identity: Identity): Identity {
  const victim = world.identities.find(({ name }) => name === identity.victim)
  if (!victim) throw new Error(`the matrix has no ${identity.victim}`)
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

/** The victim's ids from each view: what an attacker might guess, and what arguments call them. */
async function idsOf(field: Field, identity: Identity, victim: Identity): Promise<VictimIds> {
  const all = new Set<string>([victim.userId ?? ''])
  const named = new Map<string, string>([['user_id', victim.userId ?? '']])
  for (const view of field.surfaces.views) {
    const { foreign } = await targetsOf(field.api, identity, victim, view)
    for (const { name, type } of view.columns) {
      const value = foreign[0]?.[name]
      if (type !== 'uuid' || typeof value !== 'string') continue
      all.add(value)
      // organization_domains.id is what arguments call domain_id.
      const argument = name === 'id' ? `${view.name.replace(/^.*_|s$/g, '')}_id` : name
      if (view.isOwned && !named.has(argument)) named.set(argument, value)
    }
  }
  return { all: [...all, MISSING], named }
}
