/** Pairs of requests that must not be told apart: somebody else's id and an id that nobody has. */
import type { Answer, TestApi } from '../../setup/api.ts'
import type { Identity } from './identities.ts'
import type { View } from './surfaces.ts'
import { MISSING, type Targets } from './view-cells.ts'

/** A pair and what it is about. */
export type Pair = {
  verb: string
  method: string
  foreign: string
  missing: string
  body?: (id: string) => unknown
  ids: [string, string]
}

/** One pair for each column that holds an id of the victim's, for reading, changing and deleting. */
export function pairsOf(view: View, { foreign }: Targets): Pair[] {
  return view.columns
    .filter(({ type, name }) => type === 'uuid' && typeof foreign[0]?.[name] === 'string')
    .flatMap(({ name }) => {
      const id = String(foreign[0]?.[name])
      const path = (value: string) => `/${view.name}?${name}=eq.${value}`
      const body = () => ({ [name]: MISSING })
      const both = { foreign: path(id), missing: path(MISSING), ids: [id, MISSING] as [string, string] }
      return [
        { ...both, verb: `select by ${name}`, method: 'GET' },
        { ...both, verb: `update by ${name}`, method: 'PATCH', body },
        { ...both, verb: `delete by ${name}`, method: 'DELETE' },
      ]
    })
}

/** Asks both and says how they differ; the id itself does not count. */
export async function difference(api: TestApi, identity: Identity, pair: Pair): Promise<string | undefined> {
  const ask = (path: string, id: string) =>
    api.request(pair.method, path, {
      token: identity.token,
      headers: { prefer: 'return=representation' },
      ...(pair.body ? { body: pair.body(id) } : {}),
    })
  const theirs = shape(await ask(pair.foreign, pair.ids[0]), pair.ids)
  const nobodys = shape(await ask(pair.missing, pair.ids[1]), pair.ids)
  return theirs === nobodys ? undefined : `a foreign id answers ${theirs}, a missing one ${nobodys}`
}

function shape(answer: Answer, ids: [string, string]): string {
  const text = `${answer.status} ${JSON.stringify(answer.body)} ${answer.headers.get('content-range')}`
  return ids.reduce((masked, id) => masked.replaceAll(id, '<id>'), text)
}
