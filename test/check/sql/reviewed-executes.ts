/**
 * Statements built at run time, and settings that decide who is asking: each was read by a person, and says here why
 * no caller can bend it. A new or changed one is a finding until it is entered; one that is gone is a finding too.
 */
import { REVIEWED_UPKEEP } from './reviewed-upkeep.ts'

/**
 * One reviewed place. `sql` is the expression as it stands in the file, with white space folded; `unquoted` says where
 * text that goes in unquoted was put together, and is for that alone.
 */
export type Reviewed = { file: string; sql: string; reason: string; unquoted?: string }

/** The reviewed places, by file. */
export const REVIEWED_EXECUTES: readonly Reviewed[] = [
  ...REVIEWED_UPKEEP,
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
    file: 'migrations/fixtures/core/audit/audit_table.sql',
    sql: "format( 'create or replace trigger _900_audit_row after insert or update or delete on %I.%I ' 'for each row execute function core.tg__audit_row(%L, %L, %L, %L)', v_schema, v_name, v_arguments[1], v_arguments[2], v_arguments[3], v_arguments[4] )",
    reason: 'Owners call it in registry.sql; every name comes from the catalog and is quoted.',
  },
  {
    file: 'migrations/fixtures/core/audit/audit_table.sql',
    sql: "format( 'create or replace trigger _900_audit_truncate before truncate on %I.%I ' 'for each statement execute function core.tg__audit_truncate()', v_schema, v_name )",
    reason: 'The same table.',
  },
  {
    file: 'migrations/fixtures/ops/monitoring/explain_query.sql',
    sql: "format(E'explain select * from (\\n%s\\n) as explained', explain_query.query)",
    reason:
      'Only the owner may call it, with the owner’s own rights. A cursor takes one statement; EXPLAIN runs none.',
    unquoted: 'The query is the argument: what the function is for.',
  },
  {
    file: 'migrations/fixtures/ops/monitoring/explain_query.sql',
    sql: "format(E'explain %s %s', v_options, explain_query.query)",
    reason:
      'The line before proved it one SELECT that writes nothing; where it is run, read only, and undone afterwards.',
    unquoted: 'The options are one of two literals; the query is the argument.',
  },
  {
    file: 'migrations/fixtures/ops/drop_audit_months.sql',
    sql: "format('drop table core.%I', v_month)",
    reason: 'Only the owner may call it; the names are partitions of the log, from the catalog.',
  },
  {
    file: 'migrations/fixtures/ops/row_as_of.sql',
    sql: "format( 'select to_jsonb(t) from %I.%I as t where to_jsonb(t) @> $1', (parse_ident(v_arguments[1]))[1], (parse_ident(v_arguments[1]))[2] )",
    reason: 'Only the owner may call it; the name comes from the catalog, the key is a parameter.',
  },
  {
    file: 'migrations/fixtures/ops/row_as_of.sql',
    sql: 'current_row.key',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/readers/declare_readers.sql',
    sql: "format('revoke all on %I.%I from %I', v_cell.nspname, v_cell.relname, v_cell.role)",
    reason: 'Only owners call it; every name comes from the catalog, roles from gdpr.reader_rules().',
  },
  {
    file: 'migrations/fixtures/gdpr/readers/declare_readers.sql',
    sql: "format('grant select (%I) on %I.%I to %I', v_column, v_cell.nspname, v_cell.relname, v_cell.role)",
    reason: 'The same names.',
  },
  {
    file: 'migrations/fixtures/gdpr/readers/declare_readers.sql',
    sql: "format('grant usage on schema %I to %I', v_cell.nspname, v_cell.role)",
    reason: 'The same names.',
  },
  {
    file: 'migrations/fixtures/gdpr/readers/declare_readers.sql',
    sql: "format('drop policy if exists %I on %I.%I', v_cell.policy, v_cell.nspname, v_cell.relname)",
    reason: 'The same names.',
  },
  {
    file: 'migrations/fixtures/gdpr/readers/declare_readers.sql',
    sql: "format( 'create policy %I on %I.%I for select to %I using (true)', v_cell.policy, v_cell.nspname, v_cell.relname, v_cell.role )",
    reason: 'The same names.',
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
    file: 'migrations/fixtures/gdpr/export/export_rows.sql',
    sql: "format('select %L::text, to_jsonb(t) from (%s) as t', v_table.relation, v_table.query)",
    reason: 'Only operators may call it; the person is a parameter.',
    unquoted: 'The query is of gdpr.export_tables(), which quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/gdpr/export/export_rows.sql',
    sql: 'export_rows.user_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/data_exports/open_data_export_table.sql',
    sql: "format('select to_json(%s)::text as row from (%s) as t', v_value, v_table.query)",
    reason: 'The worker names a table of gdpr.export_tables() and nothing else; the person is a parameter.',
    unquoted: 'The value is the row or its columns, quoted above; the query is of gdpr.export_tables().',
  },
  {
    file: 'migrations/fixtures/gdpr/data_exports/open_data_export_table.sql',
    sql: 'v_user_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/ops/monitoring/measure.sql',
    sql: "format( 'select s.metric, s.labels, s.value, null::text from %I.%I() as s', v_source.source_schema, v_source.source_function )",
    reason: 'Only owners write ops.metrics; the names are those of a function that exists, and are quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/erase_rows.sql',
    sql: "format('delete from %I.%I where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.filter)",
    reason: 'Only operators may call it; the person is a parameter.',
    unquoted: 'The filter is gdpr.subject_filter(), which quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/erase_rows.sql',
    sql: "format( 'update %I.%I set %s where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.assignments, erase_rows.filter )",
    reason: 'Only operators may call it; the person is a parameter.',
    unquoted:
      'The filter as above; names in assignments are quoted, their values are expressions that registry.sql files declare.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/erase_rows.sql',
    sql: 'erase_rows.user_id',
    reason: 'The parameter of the two statements above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: "'select pg_catalog.pg_clear_attribute_stats($1, $2, $3, $4)'",
    reason: 'A constant; written so because Postgres before 18 does not know the function.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: 'v_column.nspname::text',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: 'v_column.relname::text',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: 'v_column.column_name::text',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: 'v_column.is_parent',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_statistics.sql',
    sql: "format('analyze %I.%I', renew_statistics.schema_name, renew_statistics.table_name)",
    reason: 'Only operators may call it; the names are quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/find_traces.sql',
    sql: "format( 'select %L::text, w.word, count(*) from %I.%I as t, unnest($1) as w (word) where strpos(lower(t::text), lower(w.word)) > 0 group by w.word', v_relation.full_name, v_relation.schema_name, v_relation.table_name )",
    reason: 'Only operators may call it; names come from the catalog, words are a parameter.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/find_traces.sql',
    sql: 'find_traces.words',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: "format( 'select %I.%I($1, $2)', (parse_ident(v_policy.handler))[1], (parse_ident(v_policy.handler))[2] )",
    reason: 'Only owners write gdpr.retention_policies; the name of the function is quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: "format('delete from %I.%I as r where r.ctid = any (%s)', v_plan.schema_name, v_plan.table_name, v_due)",
    reason: 'Only owners write gdpr.retention_policies; the worker picks one by its name.',
    unquoted:
      'Age and condition are expressions that registry.sql files declare; gdpr.held_filter() quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: "format( 'update %I.%I as r set %s where r.ctid = any (%s)', v_plan.schema_name, v_plan.table_name, (select string_agg(format('%I = %s', a.key, a.value), ', ') from jsonb_each_text(v_policy.assignments) as a), v_due )",
    reason: 'The same policies.',
    unquoted: 'As above; names in assignments are quoted, their values are declared expressions.',
  },
  ...parameters('migrations/fixtures/gdpr/retention/clean_up_batch.sql', [
    'v_plan.keep',
    'v_plan.cutoff',
    'clean_up_batch.row_limit',
  ]),
  {
    file: 'migrations/fixtures/gdpr/retention/count_aged_rows.sql',
    sql: "format( 'select count(*) from (select from %I.%I as r where %s and (%s) = $2 limit $3) as t', v_plan.schema_name, v_plan.table_name, v_plan.aged, v_plan.held )",
    reason: 'The same policies; only owners may call it.',
    unquoted: 'As in clean_up_batch.sql.',
  },
  ...parameters('migrations/fixtures/gdpr/retention/count_aged_rows.sql', [
    'count_aged_rows.cutoff',
    'count_aged_rows.is_held',
    'count_aged_rows.row_limit',
  ]),
    file: 'migrations/fixtures/gdpr/breaches/people_readable_by.sql',
    sql: "set_config('request.jwt.claims', …)",
    reason:
      'Only operators may call it; the claims come from core.users, and what was set before is set again.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_readable_by.sql',
    sql: "set_config('role', …)",
    reason:
      'Only operators may call it; a role can be taken only by its members, comes from a checked column, and ends with the call.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_readable_by.sql',
    sql: "format('select case when exists (select from %I.%I) then array[$1] end', v_table ->> 'schema_name', v_table ->> 'table_name')",
    reason:
      'Names come from gdpr.column_policies, which owners write; runs with the rights of the person looked at.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_readable_by.sql',
    sql: 'people_readable_by.reader_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_readable_by.sql',
    sql: "format('select array_agg(distinct t.%I) from %I.%I as t', v_table ->> 'subject', v_table ->> 'schema_name', v_table ->> 'table_name')",
    reason:
      'Names come from gdpr.column_policies, which owners write; runs with the rights of the person looked at.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_with_rows.sql',
    sql: "format( 'select person.id from core.users as person where person.status <> ''erased'' and ($2 is null or person.created_at <= $2) and exists (select from %I.%I as leaked where (%s) and %s and %s)', people_with_rows.schema_name, people_with_rows.table_name, replace(v_filter, '$1', 'person.id'), case when people_with_rows.tenant_column is null then 'true' else format('leaked.%I = $1', people_with_rows.tenant_column) end, case when v_is_dated then '($2 is null or leaked.created_at <= $2)' else 'true' end )",
    reason: 'Only operators may call it; names come from gdpr.column_policies, values are parameters.',
    unquoted:
      'The filter is what gdpr.subject_filter() builds from the catalog with %I; the other pieces are literals.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_with_rows.sql',
    sql: 'people_with_rows.tenant_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/breaches/people_with_rows.sql',
    sql: 'people_with_rows.until',
    reason: 'The parameter of the statement above.',
  },
]

function parameters(file: string, names: readonly string[]): Reviewed[] {
  return names.map((sql) => ({ file, sql, reason: 'A parameter of the statements of this file.' }))
}
