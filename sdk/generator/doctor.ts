/** What the doctor says. */
import type { Model } from './model/model.ts'

/** The report, for people. */
export function describeFindings(model: Pick<Model, 'translated' | 'untranslated' | 'shapeless'>): string {
  const { translated, untranslated, shapeless } = model
  const lines = [
    `${translated.length} checks behind the API's columns are said by the SDK's validators in full.`,
    `${untranslated.length} are not; Postgres alone decides these:`,
    ...untranslated.flatMap(({ table, constraint, definition, seenAs, reason }) => [
      `  ${seenAs.join(', ')} (${table}${constraint && ` ${constraint}`}): ${definition}`,
      `    because ${reason}`,
    ]),
    `${shapeless.length} functions answer with jsonb of unknown shape (declare it: @returns <schema>.<function>):`,
    ...shapeless.map((name) => `  api.${name}`),
  ]
  return lines.join('\n')
}
