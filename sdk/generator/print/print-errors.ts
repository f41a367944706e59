/** Prints sdk/src/generated/errors.ts: every key the API can refuse with. */
import type { Model } from '../model/model.ts'
import { formatTypescript, HEADER } from './format.ts'
import { printDoc } from './print-doc.ts'

/** The whole file. */
export async function printErrors({
  errors,
  errorCodes,
}: Pick<Model, 'errors' | 'errorCodes'>): Promise<string> {
  const entries = errors.map(
    ({ key, status, summary, hint }) =>
      `${printDoc(`${summary} (${status})`)}${key}: { status: ${status}, summary: ${JSON.stringify(summary)}, hint: ${JSON.stringify(hint)} },\n`,
  )
  return formatTypescript(`${HEADER}
/** Every key the API refuses with: HTTP status, what it means, what the caller can do. */
export const ERROR_CATALOGUE = {
${entries.join('')}} as const

/** A key the API refuses with. */
export type ErrorKey = keyof typeof ERROR_CATALOGUE

/** The keys of what PostgREST and Postgres refuse by themselves, by their code. */
export const ERROR_CODES: Readonly<Record<string, ErrorKey>> = {
${errorCodes.map(({ code, key }) => `${JSON.stringify(code)}: ${JSON.stringify(key)},\n`).join('')}}
`)
}
