/**
 * Attacks from within: a plain member calls what only those may call who run the organization, with its own ids. And the
 * proof that the calls are good ones: the same, sent by the owner, does work.
 */
import { type Cell, excerpt, SHOW_AND_UNDO, statusIn } from './cell.ts'
import { coherentCall, type VictimIds } from './function-cells.ts'
import type { Identity } from './identities.ts'
import type { Fn } from './surfaces.ts'

/** What members may do to rows of their organization. */
const OPEN_TO_MEMBERS: readonly string[] = ['leave_organization', 'leave_team', 'leave_workspace']

/** Not theirs to do, or not there for them. */
const FOR_LACK_OF_RIGHTS = [403, 404]

/** Functions that change something and are told which organization, or what of it. */
export function insiderFunctions(functions: Fn[]): Fn[] {
  return functions.filter(
    ({ args, isVolatile }) =>
      isVolatile && args.some(({ name }) => /^(organization|workspace|team|domain)_id$/.test(name)),
  )
}

/** What the owner must have got through. */
export function insiderControls(functions: Fn[]): string[] {
  return insiderFunctions(functions).flatMap(({ name, wantsPlainCall }) => (wantsPlainCall ? [] : [name]))
}

/** The member's call, which is refused and must not change a row; what members may do is undone. */
export function memberCell(identity: Identity, fn: Fn, named: VictimIds['named']): Cell {
  const cell = coherentCall(identity, fn, named)
  if (OPEN_TO_MEMBERS.includes(fn.name)) return { ...cell, headers: SHOW_AND_UNDO }
  return { ...cell, judge: statusIn(...FOR_LACK_OF_RIGHTS) }
}

/** The owner's call, undone. It may fail for another reason, but not for lack of rights; one that cannot be undone does. */
export function ownerCell(identity: Identity, fn: Fn, named: VictimIds['named']): Cell {
  return {
    ...coherentCall(identity, fn, named),
    headers: SHOW_AND_UNDO,
    judge: (answer) =>
      FOR_LACK_OF_RIGHTS.includes(answer.status)
        ? `refuses the owner with ${answer.status}: ${excerpt(answer)}`
        : undefined,
    ...(fn.wantsPlainCall ? {} : { control: fn.name }),
  }
}
