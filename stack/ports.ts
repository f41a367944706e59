/** Which ports a stack uses. A port that was named is used or refused; only ports nobody types give way. */
import { freePort, isPortFree } from './free-port.ts'
import { portHolder } from './process/port-holder.ts'
import type { Settings } from './settings.ts'
import { StackError } from './stack-error.ts'

/** Not 5432, so that a Postgres of the system can run beside. */
export const DEFAULT_DB_PORT = 5442
/** What PostgREST itself defaults to. */
export const DEFAULT_API_PORT = 3000
const DEFAULT_ADMIN_PORT = 3001

/** The ports of one stack, all on 127.0.0.1. */
export type Ports = { database: number; api: number; admin: number }

/**
 * Chooses and tries the ports. The API's is never changed silently: people type it. The database's and the admin
 * server's give way to a free one unless they were set.
 * @throws port_taken, naming the port, its holder and the variable that changes it
 */
export async function choosePorts(
  settings: Pick<Settings, 'dbPort' | 'apiPort' | 'adminPort'>,
): Promise<Ports> {
  const api = settings.apiPort ?? DEFAULT_API_PORT
  if (settings.adminPort === api) {
    throw new StackError(
      'settings_invalid',
      `HOWDAH_ADMIN_PORT (${api}) is also the API's port.`,
      'Choose another number, or unset HOWDAH_ADMIN_PORT to have a free one chosen.',
    )
  }
  await demand(api, 'API', 'HOWDAH_API_PORT')
  const database = await settle(settings.dbPort, DEFAULT_DB_PORT, 'database', 'HOWDAH_DB_PORT', [api])
  const admin = await settle(settings.adminPort, DEFAULT_ADMIN_PORT, 'admin server', 'HOWDAH_ADMIN_PORT', [
    api,
    database,
  ])
  return { database, api, admin }
}

async function settle(
  chosen: number | undefined,
  usual: number,
  what: string,
  variable: string,
  taken: number[],
): Promise<number> {
  if (chosen !== undefined) {
    await demand(chosen, what, variable)
    return chosen
  }
  return !taken.includes(usual) && (await isPortFree(usual)) ? usual : freePort()
}

async function demand(port: number, what: string, variable: string): Promise<void> {
  if (await isPortFree(port)) return
  const holder = portHolder(port)
  throw new StackError(
    'port_taken',
    `The ${what} cannot have port ${port}: ${holder ? `it is taken by ${holder}` : 'this user may not listen there'}.`,
    `${holder ? 'Stop that process, or choose' : 'Choose'} another port: ${variable}=${(await freePort()).toString()} npm start`,
  )
}
