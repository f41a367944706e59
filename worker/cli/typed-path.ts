/** npm runs scripts in the project's folder; a person types paths from the folder they are in. */
import { resolve } from 'node:path'

/** The path that was meant. npm tells the folder it was called in as INIT_CWD. */
export function typedPath(path: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['npm_lifecycle_event'] === undefined ? '' : (env['INIT_CWD'] ?? ''), path)
}
