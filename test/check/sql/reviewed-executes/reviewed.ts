/**
 * Statements built at run time, and settings that decide who is asking: each was read by a person, and says here why
 * no caller can bend it. A new or changed one is a finding until it is entered; one that is gone is a finding too.
 */
import { CORE } from './core.ts'
import { ERASURE } from './erasure.ts'
import { GDPR } from './gdpr.ts'
import { OPS } from './ops.ts'
import { SERVER } from './server.ts'

/**
 * One reviewed place. `sql` is the expression as it stands in the file, with white space folded; `unquoted` says where
 * text that goes in unquoted was put together, and is for that alone.
 */
export type Reviewed = { file: string; sql: string; reason: string; unquoted?: string }

/** The reviewed places, by file. */
export const REVIEWED_EXECUTES: readonly Reviewed[] = [...SERVER, ...CORE, ...OPS, ...GDPR, ...ERASURE]
