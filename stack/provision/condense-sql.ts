/** SQL without comments and superfluous white space: what tells a blank migration from one that does something. */

const TOKEN = new RegExp(
  [
    /(?<kept>(\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)[\s\S]*?\2)/, // dollar quotes
    /(?<escaped>\b[eE]'(?:\\[\s\S]|''|[^'\\])*')/,
    /(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")/,
    /(?<block>\/\*)/,
    /(?<gap>--[^\n]*|\s+)/,
    /(?<other>[\s\S])/,
  ]
    .map((part) => part.source)
    .join('|'),
  'gy',
)

/** Never fails: what is left open at the end of the text counts as text. */
export function condenseSql(sql: string): string {
  const kept: string[] = []
  let at = 0
  while (at < sql.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(sql)
    if (!match) break
    at = match.groups?.['block'] ? afterBlockComment(sql, at) : TOKEN.lastIndex
    const isGap = match.groups?.['block'] !== undefined || match.groups?.['gap'] !== undefined
    if (!isGap) kept.push(match[0])
    else if (kept.length > 0 && kept.at(-1) !== ' ') kept.push(' ')
  }
  return kept.join('').trimEnd()
}

/** Block comments nest in Postgres. */
function afterBlockComment(sql: string, start: number): number {
  let depth = 0
  for (const mark of sql.slice(start).matchAll(/\/\*|\*\//g)) {
    depth += mark[0] === '/*' ? 1 : -1
    if (depth === 0) return start + mark.index + 2
  }
  return sql.length
}
