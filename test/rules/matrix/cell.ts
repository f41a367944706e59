/** One attack: who does what to what, and which answer is right. */
import type { Answer } from '../../setup/api.ts'
import type { Identity } from './identities.ts'
import type { View } from './surfaces.ts'

/** A request and how its answer is judged. */
export type Cell = {
  identity: Identity
  /** What is attacked, for example `view saved_cards`. */
  surface: string
  verb: string
  method: string
  path: string
  headers?: Record<string, string>
  body?: unknown
  /** What is wrong with the answer; undefined when it is right. */
  judge: (answer: Answer) => string | undefined
  /** `identity: view verb` of which a right answer proves that the verb works at all. */
  control?: string
  /** Everybody's rows are shown on purpose, so foreign words are right here. */
  showsAll?: boolean
}

/** Asks for the changed rows, so that an answer tells what was touched. */
export const SHOW_ROWS = { prefer: 'return=representation' }

/** The same, undone afterwards: for controls, which change one's own rows. */
export const SHOW_AND_UNDO = { prefer: 'return=representation, tx=rollback' }

/** The status with which somebody is refused: unknown people are asked to sign in, known ones may not. */
export function refusal(identity: Identity): number {
  return identity.role === 'howdah_anon' ? 401 : 403
}

/** Judges by the status alone. */
export function statusIn(...right: number[]) {
  return (answer: Answer): string | undefined =>
    right.includes(answer.status)
      ? undefined
      : `answered ${answer.status}, not ${right.join(' or ')}: ${excerpt(answer)}`
}

/** The columns that a role may use with a verb; undefined when the verb is not granted. */
export function granted(
  view: View,
  identity: Identity,
  verb: 'select' | 'insert' | 'update' | 'delete',
): string[] | undefined {
  return identity.role ? view.grants[identity.role]?.[verb] : undefined
}

/** The start of an answer, for sentences. */
export function excerpt(answer: Answer): string {
  return JSON.stringify(answer.body).slice(0, 300)
}
