/**
 * What happens to a restored database before anybody else may come in: one list, in order. backup:restore runs it, and a
 * step that fails leaves a copy that is not handed over.
 */

import { REPLAY_ERASURES } from '../gdpr/replay-step.ts'
import { END_SESSIONS } from './end-sessions.ts'
import type { BackupManifest } from './manifest.ts'

/** A restored cluster behind its closed door. */
export type RestoredCluster = {
  /** A superuser's URL of the database (on a private socket, without a password). */
  adminUrl: string
  manifest: BackupManifest
  /** The stack's own folder, with what is kept beside the database: the copies of its seals, say. */
  keptOutside: string | undefined
}

/** One step. */
export type AfterRestoreStep = {
  title: string
  /** Returns in a few words what was done. Has to be safe to repeat. */
  run(restored: RestoredCluster): Promise<string>
}

/** Every step, in order. */
export const AFTER_RESTORE_STEPS: readonly AfterRestoreStep[] = [REPLAY_ERASURES, END_SESSIONS]
