/** Attacks on what is not a view: embedded resources, and all that must not be there. */
import { type Cell, granted, refusal, statusIn } from './cell.ts'
import type { Identity } from './identities.ts'
import type { Hidden, Surfaces, View } from './surfaces.ts'

/** Every view inside every other, whether a foreign key leads there or not. */
export function embedCells(identity: Identity, views: View[]): Cell[] {
  return views.flatMap((outer) =>
    views.map((inner) => {
      const mayRead = granted(outer, identity, 'select') && granted(inner, identity, 'select')
      const showsAll = [outer, inner].some(({ seesAll }) => identity.role && seesAll.includes(identity.role))
      return {
        identity,
        surface: `embed ${outer.name} ${inner.name}`,
        verb: 'select',
        method: 'GET',
        path: `/${outer.name}?select=*,${inner.name}(*)`,
        showsAll,
        // 300 and 400: no foreign key, or several, lead from one to the other.
        judge:
          identity.role === undefined
            ? statusIn(401, 400, 300)
            : mayRead
              ? statusIn(200, 300, 400)
              : statusIn(refusal(identity), 300, 400),
      }
    }),
  )
}

/** Base tables, partitions, the libraries' and Postgres' own: no path, no profile and no embedding leads there. */
export function hiddenCells(
  identity: Identity,
  { hidden, views }: Pick<Surfaces, 'hidden' | 'views'>,
): Cell[] {
  return hidden.flatMap(({ schema, name }: Hidden) => {
    const base = { identity, surface: `hidden ${schema}.${name}` }
    const path = `/${encodeURIComponent(name)}`
    const unknown = { ...base, judge: statusIn(401, 404, 406) }
    const reads = { 'accept-profile': schema }
    const writes = { 'content-profile': schema }
    const embeds = views.some((view) => view.name === name)
      ? []
      : [
          {
            ...base,
            verb: 'embed',
            method: 'GET',
            path: `/users?select=id,${encodeURIComponent(name)}(*)`,
            judge: statusIn(400, 401, 403),
          },
        ]
    return [
      { ...unknown, verb: 'select by profile', method: 'GET', path, headers: reads },
      { ...unknown, verb: 'insert by profile', method: 'POST', path, headers: writes, body: {} },
      { ...unknown, verb: 'update by profile', method: 'PATCH', path, headers: writes, body: { id: 1 } },
      { ...unknown, verb: 'delete by profile', method: 'DELETE', path, headers: writes },
      {
        ...unknown,
        verb: 'select by path',
        method: 'GET',
        path: `/${encodeURIComponent(`${schema}.${name}`)}`,
      },
      ...embeds,
    ]
  })
}

/**
 * Functions that are not in api, ours and Postgres' own. PostgREST before 14.6 puts the nearest name of api into the
 * hint of its 404, also for who may not call it (PostgREST issue 4675); names alone open nothing, so that is not judged.
 */
export function hiddenFunctionCells(identity: Identity, names: string[]): Cell[] {
  return names.flatMap((name) => [
    {
      identity,
      surface: `hidden function ${name}`,
      verb: 'call',
      method: 'POST',
      path: `/rpc/${name}`,
      body: {},
      judge: statusIn(401, 404),
    },
    {
      identity,
      surface: `hidden function ${name}`,
      verb: 'call by profile',
      method: 'POST',
      path: `/rpc/${name}`,
      headers: { 'content-profile': 'pg_catalog' },
      body: {},
      judge: statusIn(401, 404, 406),
    },
  ])
}
