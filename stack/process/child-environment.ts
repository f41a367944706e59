/** The environment our children get: ours without what would steer libpq or PostgREST from outside, and without secrets. */

/** A stray PGOPTIONS or PGRST_DB_URI of the user's shell must not change what the stack starts. */
const STEERING = /^(PG[A-Z]+|PGRST_.*)$/

/** Whoever needs one of these is handed it by name: what reads strangers' feeds must not hold the key that signs tokens. */
const SECRET = /^HOWDAH_(DATABASE_URL|JWT_SECRET|ENCRYPTION_KEY|SMTP_URL|[A-Z]+_PASSWORD)$/

/** A copy of `env` without PG*, PGRST_* and the secrets of the stack, plus `extra`. */
export function childEnvironment(
  env: NodeJS.ProcessEnv,
  extra: Record<string, string> = {},
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !STEERING.test(name) && !SECRET.test(name))
  return { ...Object.fromEntries(kept), ...extra }
}
