/** every line of defence that the catalog knows of, taken away one at a time. */
import type { Queryable } from '../catalog/rule.ts'
import { grantMutants, viewMutants } from './grant-mutants.ts'
import { keyMutants } from './key-mutants.ts'
import { type Mutant, sorted } from './mutant.ts'
import { policyMutants, tableMutants } from './policy-mutants.ts'

/** All of them, by name. */
export async function allMutants(db: Queryable): Promise<Mutant[]> {
  const kinds = [policyMutants, tableMutants, viewMutants, grantMutants, keyMutants]
  const found: Mutant[] = []
  for (const mutantsOf of kinds) found.push(...(await mutantsOf(db)))
  return sorted(found)
}
