/** The API's functions that a web role may call. */
import { z } from 'zod'
import { API_SCHEMA, type Connection, readRows, WEB_ROLES } from './database.ts'

const argument = z.object({
  name: z.string(),
  type: z.number(),
  mode: z.enum(['i', 'o', 'b', 'v', 't']),
  /** The default's expression; null without one. */
  default: z.string().nullable(),
})

const apiFunction = z.object({
  id: z.number(),
  name: z.string(),
  comment: z.string().nullable(),
  arguments: z.array(argument),
  returns: z.number(),
  isSet: z.boolean(),
  callers: z.array(z.string()),
})

/** A function of the API. */
export type CatalogFunction = z.infer<typeof apiFunction>

/**
 * Reads the functions, by name. One with a single unnamed text or json takes the request's body as it is, which
 * `rpc` never sends, so clients get no method for it; nor for one that answers in a media type of its own, a domain
 * with a slash in its name, because `rpc` reads JSON.
 */
export function readFunctions(connection: Connection): Promise<CatalogFunction[]> {
  return readRows(connection, apiFunction, FUNCTIONS, [WEB_ROLES, API_SCHEMA])
}

const FUNCTIONS = `
  select
    p.oid::int as id,
    p.proname::text as name,
    obj_description(p.oid, 'pg_proc') as comment,
    coalesce((
      select json_agg(json_build_object(
        'name', coalesce(p.proargnames[a.position], ''),
        'type', a.type::bigint,
        'mode', coalesce(p.proargmodes[a.position], 'i'),
        'default', pg_get_function_arg_default(p.oid, a.position::int)
      ) order by a.position)
      from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a (type, position)
    ), '[]') as arguments,
    p.prorettype::int as returns,
    p.proretset as "isSet",
    c.callers
  from pg_proc p,
    lateral (
      select array(select r::text from unnest($1::text[]) r where has_function_privilege(r, p.oid, 'execute')) as callers
    ) c
  where p.pronamespace = $2::regnamespace and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
    and p.prorettype not in (select t.oid from pg_type t where t.typtype = 'd' and t.typname ~ '/')
    and c.callers <> '{}' and not (p.proargnames is null and p.pronargs = 1 and p.proargtypes[0] in ('text'::regtype, 'json'::regtype))
  order by p.proname, p.oid`
