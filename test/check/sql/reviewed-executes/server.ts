/** SQL built at run time in server. */
import type { Reviewed } from './reviewed.ts'

export const SERVER: readonly Reviewed[] = [
  {
    file: 'migrations/after_reset.sql',
    sql: "format('create role %I nologin', v_role)",
    reason: 'The names are the literals in the lines above.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I set statement_timeout = %L', v_limits.role, v_limits.statement)",
    reason: 'Names and values are the literals in the lines above.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I set lock_timeout = %L', v_limits.role, v_limits.lock)",
    reason: 'Names and values are the literals in the lines above.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I set idle_in_transaction_session_timeout = %L', v_limits.role, v_limits.idle)",
    reason: 'Names and values are the literals in the lines above.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I set transaction_timeout = %L', v_limits.role, v_limits.transaction)",
    reason: 'Names and values are the literals in the lines above.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "'grant pg_maintain to howdah_worker'",
    reason: 'A constant; Postgres before 17 has no such role.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I connection limit %s', limit_role.role_name, coalesce(limit_role.value, '-1')::integer)",
    reason:
      'Which roles and settings is checked above; names are quoted, the value is a literal or a number.',
    unquoted: 'An integer, by its cast.',
  },
  {
    file: 'migrations/after_reset.sql',
    sql: "format('alter role %I set %I = %L', limit_role.role_name, limit_role.setting, limit_role.value)",
    reason:
      'Which roles and settings is checked above; names are quoted, the value is a literal or a number.',
  },
]
