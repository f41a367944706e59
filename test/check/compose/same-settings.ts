/** The containers' PostgREST is told what the embedded one is told. */
import { postgrestSettings } from '../../../stack/postgrest/settings.ts'

/** What differs from one PostgREST to the next, so that no shared file can hold it. */
const OWN = [
  'PGRST_DB_URI',
  'PGRST_JWT_SECRET',
  'PGRST_SERVER_HOST',
  'PGRST_SERVER_PORT',
  'PGRST_ADMIN_SERVER_PORT',
]

/** `NAME=value` lines; comments and blank lines do not count. */
export function readEnvFile(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

/** Sentences about every difference between deploy/postgrest.env and the embedded stack. */
export function settingDifferences(envFile: string): string[] {
  const nothing = { databaseUrl: '', jwtSecret: '', host: '', port: 0, adminPort: 0 }
  const embedded = Object.entries(postgrestSettings(nothing)).filter(([name]) => !OWN.includes(name))
  const shared = readEnvFile(envFile)
  const names = new Set([...embedded.map(([name]) => name), ...Object.keys(shared)])
  const stack = Object.fromEntries(embedded)
  return [...names]
    .filter((name) => shared[name] !== stack[name])
    .map(
      (name) =>
        `deploy/postgrest.env says ${name}=${shared[name] ?? '(nothing)'}, stack/postgrest/settings.ts ${stack[name] ?? '(nothing)'}`,
    )
}
