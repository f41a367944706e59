/** Which Postgres versions are supported, and which minor releases have known holes. */
import { StackError } from './stack-error.ts'

const OLDEST_MAJOR = 15

/** The minor releases Howdah is tested on; older ones lack security fixes. Source: postgresql.org/support/security */
const TESTED_MINORS: Record<number, number> = { 15: 18, 18: 4 }

/** A server's version as people write it, with a warning where it is behind. */
export type ServerVersion = { major: number; minor: number; text: string; warning: string | undefined }

/**
 * Judges server_version_num.
 * @throws server_unreachable when the server is too old to use at all
 */
export function judgeVersion(versionNumber: number): ServerVersion {
  const major = Math.floor(versionNumber / 10_000)
  const minor = versionNumber % 10_000
  const text = `${major}.${minor}`
  if (major < OLDEST_MAJOR) {
    throw new StackError(
      'server_unreachable',
      `This server is Postgres ${text}; Howdah needs ${OLDEST_MAJOR} or later.`,
      'Point HOWDAH_DATABASE_URL to a newer server, or unset it to use the embedded Postgres 18.',
    )
  }
  const tested = TESTED_MINORS[major]
  const isBehind = tested !== undefined && minor < tested
  const warning = isBehind
    ? `Postgres ${text} is older than ${major}.${tested}; update it for its security fixes.`
    : undefined
  return { major, minor, text, warning }
}
