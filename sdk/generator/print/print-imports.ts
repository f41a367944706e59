/** Imports of what a printed file uses from sdk/src/schema. */

/** One import line for each file that is used. */
export function printImports(body: string): string {
  const lines = Object.entries(FILES).map(([file, names]) => {
    const used = names.filter((name) => new RegExp(`(?<![\\w.])${name}\\(`).test(body))
    return used.length > 0 ? `import { ${used.join(', ')} } from '../schema/${file}.ts'\n` : ''
  })
  return lines.join('')
}

const FILES: Record<string, string[]> = {
  'code-points': ['bytes', 'codePoints'],
  formats: ['calendarDate', 'guid', 'instant', 'webAddress'],
  integer: ['integer'],
  json: ['json'],
  matches: ['matches', 'matchesNot'],
  text: ['text'],
  'unique-items': ['uniqueItems'],
}
