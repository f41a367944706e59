/** The environment our children get: ours without the variables that would steer libpq or PostgREST from outside. */

/** A stray PGOPTIONS or PGRST_DB_URI of the user's shell must not change what the stack starts. */
const STEERING = /^(PG[A-Z]+|PGRST_.*)$/

/** A copy of `env` without PG* and PGRST_*, plus `extra`. */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  extra: Record<string, string> = {},
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !STEERING.test(name))
  return { ...Object.fromEntries(kept), ...extra }
}
