/**
 * Statements built at run time, and settings that decide who is asking: each was read by a person, and says here why
 * no caller can bend it. A new or changed one is a finding until it is entered; one that is gone is a finding too.
 */

/** One reviewed place. `sql` is the expression as it stands in the file, with white space folded. */
export type Reviewed = { file: string; sql: string; reason: string }

/** The reviewed places, by file. */
export const REVIEWED_EXECUTES: readonly Reviewed[] = [
  {
    file: 'migrations/after_reset.sql',
    sql: "format('create role %I nologin', v_role)",
    reason: 'The names are the literals in the lines above.',
  },
  {
    file: 'migrations/fixtures/ops/act_as.sql',
    sql: "set_config('request.jwt.claims', …)",
    reason: 'Only operators may call it; the claims come from core.users, not from the argument.',
  },
  {
    file: 'migrations/fixtures/ops/act_as.sql',
    sql: "set_config('role', …)",
    reason:
      'Only operators may call it; a role can be taken only by its members, and the name is built from a checked column.',
  },
  {
    file: 'migrations/fixtures/ops/create_monthly_partitions.sql',
    sql: "format( 'create table %I.%I partition of %I.%I for values from (%L) to (%L)', v_table.schema_name, v_partition, v_table.schema_name, v_table.table_name, v_month, (v_month + interval '1 month')::date )",
    reason: 'Names come from ops.partitioned_tables, which owners write; the months are computed.',
  },
  {
    file: 'migrations/fixtures/ops/create_monthly_partitions.sql',
    sql: "format('alter table %I.%I enable row level security', v_table.schema_name, v_partition)",
    reason: 'The table the line before has made.',
  },
]
