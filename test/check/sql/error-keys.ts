/** Which error keys the SQL raises, read from the calls themselves. */
import { type Call, callsIn, possibleTexts } from './calls.ts'
import type { Finding } from './finding.ts'
import type { ParsedFile } from './parse.ts'
import type { Rule } from './rule.ts'

const RAISERS = ['core.raise_error', 'core.error_response']

/** Keys with the place they are raised at. */
export function raisedKeys(files: ParsedFile[]): { key: string; file: string; line: number }[] {
  return raisingCalls(files).flatMap(({ file, line, args }) =>
    (possibleTexts(args[0]) ?? []).map((key) => ({ key, file, line })),
  )
}

/** A key that is computed cannot be compared with the catalogue, so it is not allowed. */
export const literalKeys: Rule = (files): Finding[] =>
  raisingCalls(files)
    .filter(({ args }) => possibleTexts(args[0]) === undefined)
    .map(({ file, line, name }) => ({
      file,
      line,
      rule: 'error-key',
      sentence: `${name} gets a key that is computed; write it as a literal, or as a case of literals`,
    }))

function raisingCalls(files: ParsedFile[]): Call[] {
  return files
    .filter(({ kind }) => kind === 'fixture')
    .flatMap(callsIn)
    .filter(({ name }) => RAISERS.includes(name))
}
