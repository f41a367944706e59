/** Which JSON Schema functions a check calls. */
import { functionCall } from '../checks/constants.ts'
import type { ParsedCheck } from './read-catalog.ts'

/** The second arguments of core.matches_json_schema() among a check's parts. */
export function schemaFunctionsIn(check: Pick<ParsedCheck, 'parts'>): string[] {
  return check.parts.flatMap((part) => {
    const call = functionCall(part)
    const schema = call?.name === 'core.matches_json_schema' ? functionCall(call.args[1]) : undefined
    return schema && schema.args.length === 0 ? [schema.name] : []
  })
}
