/** What a lint says: where, which rule, and a sentence with the remedy. */

/** One thing that breaks a rule. */
export type Finding = { file: string; line: number; rule: string; sentence: string }

/** `path:line rule: sentence`, the form editors make clickable. */
export function printFinding({ file, line, rule, sentence }: Finding): string {
  return `${file}:${line} ${rule}: ${sentence}`
}
