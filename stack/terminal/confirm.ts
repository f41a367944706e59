/** Asks before something is deleted. */
import { createInterface } from 'node:readline/promises'
import { StackError } from '../stack-error.ts'

/**
 * Asks a yes-or-no question on the terminal; `isSure` (--yes) answers it in advance.
 * @throws refused when nobody is there to ask, or the answer is not yes
 */
export async function confirm(question: string, isSure: boolean): Promise<void> {
  if (isSure) return
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new StackError(
      'refused',
      `${question} Nobody is here to answer, so nothing was done.`,
      'Add --yes to say so in advance.',
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close())
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new StackError('refused', 'Nothing was done.', 'Answer y to go ahead.')
  }
}
