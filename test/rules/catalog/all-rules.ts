/** Every rule over the catalog. */
import { auditRules } from './audit.ts'
import { functionRules } from './functions.ts'
import { partitionRules } from './partitions.ts'
import { policyRules } from './policies.ts'
import { privacyRules } from './privacy.ts'
import { privilegeRules } from './privileges.ts'
import { processingRules } from './processing.ts'
import { readerRules } from './readers.ts'
import { restrictionRules } from './restriction.ts'
import { roleRules } from './roles.ts'
import type { CatalogRule } from './rule.ts'
import { tableRules } from './tables.ts'
import { viewRules } from './views.ts'

/** In the order in which they are reported. */
export const ALL_RULES: readonly CatalogRule[] = [
  ...tableRules,
  ...partitionRules,
  ...policyRules,
  ...viewRules,
  ...functionRules,
  ...roleRules,
  ...privilegeRules,
  ...privacyRules,
  ...processingRules,
  ...readerRules,
  ...restrictionRules,
  ...auditRules,
]
