/** Attacks on the functions of the API. */
import { type Cell, refusal, statusIn } from './cell.ts'
import type { Identity } from './identities.ts'
import type { Fn } from './surfaces.ts'

/** Ids of a victim's: all of them, and those that arguments ask for by name, such as `organization_id`. */
export type VictimIds = { all: string[]; named: ReadonlyMap<string, string> }

/**
 * Calls with each id in turn and with all that belong together; who may not call is refused, whatever the arguments.
 * @param isShort asks with GET for the first id only
 */
export function functionCells(identity: Identity, fn: Fn, ids: VictimIds, isShort = false): Cell[] {
  const mayCall = identity.role !== undefined && fn.roles.includes(identity.role)
  const right =
    identity.role === undefined ? statusIn(401) : mayCall ? () => undefined : statusIn(refusal(identity))
  const takesIds = fn.args.some(({ type }) => type === 'uuid')
  const variants = takesIds ? ids.all : ids.all.slice(0, 1)
  const cells = variants.flatMap((id) => {
    const body = Object.fromEntries(fn.args.map(({ name, type }) => [name, argument(fn, name, type, id)]))
    const query = fn.args.map(({ name }) => `${name}=${encodeURIComponent(String(body[name]))}`).join('&')
    const base = { identity, surface: `function ${fn.identity}` }
    const call = {
      ...base,
      verb: `call with ${id}`,
      method: 'POST',
      path: `/rpc/${fn.name}`,
      body,
      judge: right,
    }
    if (isShort && id !== variants[0]) return [call]
    return [
      call,
      // A function that writes cannot be called with GET; without arguments in the path another overload may answer.
      {
        ...base,
        verb: `get with ${id}`,
        method: 'GET',
        path: `/rpc/${fn.name}?${query}`,
        judge: mayCall || identity.role === undefined ? () => undefined : statusIn(refusal(identity), 405),
      },
    ]
  })
  return takesIds ? [...cells, { ...coherentCall(identity, fn, ids.named), judge: right }] : cells
}

/** One call with ids that belong together, for example of an organization and of a team in it. */
export function coherentCall(identity: Identity, fn: Fn, named: VictimIds['named']): Cell {
  const nobodys = '00000000-0000-4000-8000-000000000000'
  const body = Object.fromEntries(
    fn.args.map(({ name, type }) => [name, argument(fn, name, type, named.get(name) ?? nobodys)]),
  )
  return {
    identity,
    surface: `function ${fn.identity}`,
    verb: 'call with ids that belong together',
    method: 'POST',
    path: `/rpc/${fn.name}`,
    body,
    judge: () => undefined,
  }
}

function argument({ args }: Fn, name: string, type: string, id: string): unknown {
  if (type === 'uuid') return id
  if (name === 'email') return 'mail-b@example.com'
  // The strongest role there is; and where an organization's door asks for the caller's password, the right one.
  if (name === 'role') return 'owner'
  if (name === 'password' && args.some((one) => one.name === 'organization_id'))
    return 'correct horse battery'
  if (name === 'slug') return 'attack-slug'
  if (name === 'plan') return 'attack_plan'
  if (type === 'integer') return 1
  if (type === 'boolean') return false
  if (type === 'date') return '2026-01-01'
  if (type === 'jsonb') return {}
  return type.endsWith('[]') ? [] : `attack-${name}`
}
