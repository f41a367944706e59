/** What became of a mutant, and how a run is told. */
import type { Mutant } from './mutant.ts'

/** Who noticed the hole first, and what they said. */
export type Verdict = {
  mutant: Mutant
  by: 'cell' | 'law' | 'request' | 'second line' | 'nothing'
  what: string
}

/** A line for each kind of mutant, the equivalents with their reasons, the survivors, and the score. */
export function report(verdicts: Verdict[], seconds: number): string {
  const count = (some: Verdict[], ...by: Verdict['by'][]) => some.filter((one) => by.includes(one.by)).length
  const kinds = [...Map.groupBy(verdicts, ({ mutant }) => mutant.kind)].map(([kind, some]) =>
    [
      kind.padEnd(28),
      `${some.length} mutants`.padStart(13),
      `${count(some, 'cell', 'request')} by cells`.padStart(14),
      `${count(some, 'law')} by laws`.padStart(13),
      `${count(some, 'second line')} equivalent`.padStart(14),
      `${count(some, 'nothing')} survived`.padStart(12),
    ].join(''),
  )
  const told = (by: Verdict['by'], sign: string) =>
    verdicts
      .filter((one) => one.by === by)
      .map(({ mutant, what }) => `${sign} ${mutant.what}${what && `: ${what}`}`)
  const killed = count(verdicts, 'cell', 'law', 'request')
  const survived = count(verdicts, 'nothing')
  // Rounded down: 100 is said of all only.
  const score = Math.floor((killed / (killed + survived)) * 10_000) / 100
  return [
    ...kinds.sort(),
    ...told('second line', '='),
    ...told('nothing', '!'),
    `${verdicts.length} mutants: ${killed} killed, ${count(verdicts, 'second line')} equivalent, ${survived} survived; score ${score} %; ${Math.round(seconds)} s`,
  ].join('\n')
}
