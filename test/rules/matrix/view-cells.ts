/** Attacks on one view by one identity. */
import type { Answer } from '../../setup/api.ts'
import { type Cell, granted, refusal, SHOW_AND_UNDO, SHOW_ROWS, statusIn } from './cell.ts'
import { FACTORIES } from './factories.ts'
import type { Identity } from './identities.ts'
import type { View } from './surfaces.ts'

/** Rows as the API shows them. */
export type Rows = Record<string, unknown>[]

/** What the attacker sees, what both see, and what only the victim sees. */
export type Targets = { own: Rows; common: Rows; foreign: Rows; victimId: string }

const READS: [verb: string, method: string, headers: Record<string, string>, query: string][] = [
  ['select', 'GET', {}, ''],
  ['select as csv', 'GET', { accept: 'text/csv' }, ''],
  ['head', 'HEAD', {}, ''],
  ['count exact', 'GET', { prefer: 'count=exact' }, ''],
  ['count planned', 'HEAD', { prefer: 'count=planned' }, ''],
  ['count estimated', 'HEAD', { prefer: 'count=estimated' }, ''],
  ['select a page', 'GET', {}, '?limit=1&offset=0'],
]

/** All cells of a view; the guard refuses identities without a role before anything else. */
export function viewCells(identity: Identity, view: View, targets: Targets): Cell[] {
  const showsAll = identity.role !== undefined && view.seesAll.includes(identity.role)
  const cells = [
    ...readCells(identity, view, targets),
    ...insertCells(identity, view, targets),
    ...changeCells(identity, view, targets),
  ]
  return cells.map((cell) => ({
    ...cell,
    surface: `view ${view.name}`,
    identity,
    showsAll,
    judge: identity.role === undefined ? statusIn(401) : cell.judge,
  }))
}

type Draft = Omit<Cell, 'identity' | 'surface' | 'showsAll'>

function readCells(identity: Identity, view: View, { own }: Targets): Draft[] {
  const isGranted = granted(view, identity, 'select') !== undefined
  return READS.map(([verb, method, headers, query]) => ({
    verb,
    method,
    headers,
    path: `/${view.name}${query}`,
    judge: (answer) => {
      if (!isGranted) return statusIn(refusal(identity))(answer)
      return statusIn(200, 206)(answer) ?? (verb === 'count exact' ? countIsRight(answer) : undefined)
    },
    ...(verb === 'select' && isGranted && own.length > 0
      ? { control: `${identity.name}: ${view.name} select` }
      : {}),
  }))
}

function countIsRight(answer: Answer): string | undefined {
  const total = answer.headers.get('content-range')?.split('/')[1]
  return total === String(answer.body.length)
    ? undefined
    : `counts ${total} and shows ${answer.body.length} rows`
}

function insertCells(identity: Identity, view: View, { foreign, victimId }: Targets): Draft[] {
  const columns = granted(view, identity, 'insert')
  const ownRow = bodyFor(view, columns, identity.userId ?? victimId)
  const forged = { ...ownRow, ...(hasColumn(view, 'user_id') ? { user_id: victimId } : foreign[0]) }
  const refused = columns ? statusIn(400, 401, 403, 404, 409) : isRefused(identity)
  const post = { method: 'POST', path: `/${view.name}`, headers: SHOW_ROWS }
  const drafts: Draft[] = [
    { ...post, verb: 'insert for the victim', body: forged, judge: refused },
    {
      ...post,
      verb: 'bulk insert, mixed',
      body: [
        { ...forged, ...ownRow },
        { ...ownRow, ...forged },
      ],
      judge: refused,
    },
    {
      ...post,
      verb: "upsert with the victim's key",
      headers: { prefer: 'return=representation, resolution=merge-duplicates' },
      body: { ...ownRow, ...foreign[0] },
      judge: refused,
    },
  ]
  if (!columns) return [...drafts, { ...post, verb: 'insert', body: ownRow, judge: refused }]
  const control = {
    verb: 'insert',
    body: ownRow,
    headers: SHOW_AND_UNDO,
    control: `${identity.name}: ${view.name} insert`,
  }
  return [...drafts, { ...post, ...control, judge: statusIn(201) }]
}

function changeCells(identity: Identity, view: View, { own, foreign, victimId }: Targets): Draft[] {
  const key = keyOf(view)
  const at = (row: Record<string, unknown> | undefined) =>
    `/${view.name}?${key}=eq.${encodeURIComponent(String(row?.[key] ?? MISSING))}`
  const updatable = granted(view, identity, 'update')
  const mayDelete = granted(view, identity, 'delete') !== undefined
  const column = updatable?.[0] ?? view.columns[0]?.name ?? ''
  const body = { [column]: own[0]?.[column] ?? foreign[0]?.[column] ?? null }
  const noRows = (mayDo: boolean) => (mayDo ? touchesNothing : isRefused(identity))
  const drafts: Draft[] = [
    {
      verb: 'update a missing row',
      method: 'PATCH',
      path: at(undefined),
      headers: SHOW_ROWS,
      body,
      judge: noRows(!!updatable),
    },
    {
      verb: 'delete a missing row',
      method: 'DELETE',
      path: at(undefined),
      headers: SHOW_ROWS,
      judge: noRows(mayDelete),
    },
    {
      verb: 'update everything',
      method: 'PATCH',
      path: `/${view.name}`,
      headers: SHOW_ROWS,
      body,
      judge: updatable ? statusIn(400) : isRefused(identity),
    },
    {
      verb: 'delete everything',
      method: 'DELETE',
      path: `/${view.name}`,
      headers: SHOW_ROWS,
      judge: mayDelete ? statusIn(400) : isRefused(identity),
    },
  ]
  if (foreign[0]) {
    const path = at(foreign[0])
    drafts.push(
      {
        verb: "update the victim's row",
        method: 'PATCH',
        path,
        headers: SHOW_ROWS,
        body,
        judge: noRows(!!updatable),
      },
      {
        verb: "delete the victim's row",
        method: 'DELETE',
        path,
        headers: SHOW_ROWS,
        judge: noRows(mayDelete),
      },
      {
        verb: "update all but one's own",
        method: 'PATCH',
        path: `/${view.name}?${key}=neq.${MISSING_FOR[typeOf(view, key)] ?? MISSING}&${key}=eq.${encodeURIComponent(String(foreign[0][key]))}`,
        headers: SHOW_ROWS,
        body,
        judge: noRows(!!updatable),
      },
    )
  }
  if (own[0]) {
    const path = at(own[0])
    for (const { name } of view.columns.filter((known) => !updatable?.includes(known.name))) {
      const value = name === 'user_id' ? victimId : own[0][name]
      drafts.push({
        verb: `set ${name} of one's own row`,
        method: 'PATCH',
        path,
        headers: SHOW_ROWS,
        body: { [name]: value },
        judge: isRefused(identity),
      })
    }
    const undo = { headers: SHOW_AND_UNDO, path }
    if (updatable)
      drafts.push({
        ...undo,
        verb: 'update',
        method: 'PATCH',
        body,
        judge: touchesOne,
        control: `${identity.name}: ${view.name} update`,
      })
    if (mayDelete)
      drafts.push({
        ...undo,
        verb: 'delete',
        method: 'DELETE',
        judge: touchesOne,
        control: `${identity.name}: ${view.name} delete`,
      })
  }
  return drafts
}

/** A key nobody has. */
export const MISSING = '00000000-0000-4000-8000-000000000000'
const MISSING_FOR: Record<string, string> = { text: 'nobody', integer: '0' }

/** What Postgres refuses while rewriting the query, before it asks who may: joins, and columns that are computed. */
const NOT_WRITABLE = ['55000', '0A000']

/** Refused for want of a grant, or because no one at all could. */
function isRefused(identity: Identity) {
  return (answer: Answer): string | undefined =>
    NOT_WRITABLE.includes(answer.body?.code) ? undefined : statusIn(refusal(identity))(answer)
}

function touchesNothing(answer: Answer): string | undefined {
  if (answer.status >= 400) return undefined
  return Array.isArray(answer.body) && answer.body.length === 0
    ? undefined
    : `touched ${JSON.stringify(answer.body).slice(0, 200)}`
}

function touchesOne(answer: Answer): string | undefined {
  return answer.status === 200 && answer.body.length === 1
    ? undefined
    : `answered ${answer.status} with ${JSON.stringify(answer.body).slice(0, 200)}`
}

function hasColumn(view: View, name: string): boolean {
  return view.columns.some((column) => column.name === name)
}

function typeOf(view: View, name: string): string {
  return view.columns.find((column) => column.name === name)?.type ?? ''
}

/** What rows are told apart by. */
function keyOf(view: View): string {
  return (
    view.columns.find(({ name }) => name === 'id')?.name ??
    view.columns.find(({ type }) => type === 'uuid')?.name ??
    view.columns[0]?.name ??
    ''
  )
}

/** A body the view could take: insertable columns, or its first column where nothing may be inserted. */
function bodyFor(view: View, columns: string[] | undefined, userId: string): Record<string, unknown> {
  const names = columns ?? view.columns.slice(0, 1).map(({ name }) => name)
  return Object.fromEntries(names.map((name) => [name, valueFor(view, name, userId)]))
}

function valueFor(view: View, name: string, userId: string): unknown {
  const made = FACTORIES[`api.${view.name}.${name}`]
  if (made) return made(`attack-${name}`)
  if (name === 'user_id') return userId
  const type = typeOf(view, name)
  if (type === 'uuid') return MISSING
  return type === 'text' ? `attack-${name}` : null
}
