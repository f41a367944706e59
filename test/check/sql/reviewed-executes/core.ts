/** SQL built at run time in core. */
import type { Reviewed } from './reviewed.ts'

export const CORE: readonly Reviewed[] = [
  {
    file: 'migrations/fixtures/core/audit/audit_table.sql',
    sql: "format( 'create or replace trigger _900_audit_row after insert or update or delete on %I.%I ' 'for each row execute function core.tg__audit_row(%L, %L, %L, %L)', v_schema, v_name, v_arguments[1], v_arguments[2], v_arguments[3], v_arguments[4] )",
    reason: 'Owners call it in registry.sql; every name comes from the catalog and is quoted.',
  },
  {
    file: 'migrations/fixtures/core/audit/audit_table.sql',
    sql: "format( 'create or replace trigger _900_audit_truncate before truncate on %I.%I ' 'for each statement execute function core.tg__audit_truncate()', v_schema, v_name )",
    reason: 'The same table.',
  },
]
