/**
 * CSV that a spreadsheet may open: a cell never becomes a formula, and what it was can be read back.
 * Source: RFC 4180; OWASP, CSV Injection; ASVS 5.0, 1.2.10.
 */

/** What spreadsheets take for the beginning of a formula (also in full width), and the sign that we put in front. */
const DANGEROUS_START = /^[=+\-@\t\r\n＝＋－＠']/u

/** One line with its end. Null is an empty cell without quotes, an empty text one with. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/**
 * One cell. An apostrophe goes before a dangerous start, and before an apostrophe: whoever reads the file back takes one
 * leading apostrophe away, and has the value.
 */
export function csvCell(value: string | null): string {
  if (value === null) return ''
  const safe = DANGEROUS_START.test(value) ? `'${value}` : value
  return `"${safe.replaceAll('"', '""')}"`
}
