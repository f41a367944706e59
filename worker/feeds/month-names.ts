/** Month names as feeds write them: English first, then the languages whose systems print their own names. */

/** Where a name means different months in two languages (listopad), neither is taken. */
const LOCALES = 'de fr es it pt nl pl cs sk da sv nb fi hu ro tr ru uk el ca id vi lt lv et sl hr bg'.split(
  ' ',
)

const ENGLISH = 'january february march april may june july august september october november december'.split(
  ' ',
)

let foreign: Map<string, number> | undefined

/**
 * Number of a month, 1 to 12, by its name or a known abbreviation in any of the languages above.
 * @example monthNumber('März') // 3
 */
export function monthNumber(name: string): number | undefined {
  const folded = fold(name)
  const english = ENGLISH.findIndex((month) => folded === month || folded === month.slice(0, 3))
  if (english !== -1) return english + 1
  if (folded === 'sept') return 9
  // Reading all locales takes tens of milliseconds, which most feeds need not spend.
  foreign ??= collectNames()
  return foreign.get(folded)
}

function collectNames(): Map<string, number> {
  const names = new Map<string, number>()
  const ambiguous = new Set<string>()
  for (const locale of LOCALES) {
    for (const month of ['long', 'short'] as const) {
      // With a day the name stands in the case that dates use (Russian: января).
      for (const options of [{ month }, { month, day: 'numeric' }] as Intl.DateTimeFormatOptions[]) {
        const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
        for (let number = 1; number <= 12; number++) {
          const parts = format.formatToParts(Date.UTC(2024, number - 1, 15))
          const name = fold(parts.find((part) => part.type === 'month')?.value ?? '')
          if (name.length < 3 || /\d/.test(name)) continue
          if ((names.get(name) ?? number) !== number) ambiguous.add(name)
          names.set(name, number)
        }
      }
    }
  }
  for (const name of ambiguous) names.delete(name)
  return names
}

function fold(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[\p{M}.’']/gu, '')
    .toLowerCase()
}
