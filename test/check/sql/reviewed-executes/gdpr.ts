/** SQL built at run time in gdpr. */
import type { Reviewed } from './reviewed.ts'

export const GDPR: readonly Reviewed[] = [
  {
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
    file: 'migrations/fixtures/gdpr/export/export_rows.sql',
    sql: 'export_rows.user_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/export/export_rows.sql',
    sql: "format('select %L::text, to_jsonb(t) from (%s) as t', v_table.relation, v_table.query)",
    reason: 'Only operators may call it; the person is a parameter.',
    unquoted: 'The query is of gdpr.export_tables(), which quotes every name it puts in.',
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
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: 'v_plan.keep',
    reason: 'A parameter of the statements of this file.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: 'v_plan.cutoff',
    reason: 'A parameter of the statements of this file.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/clean_up_batch.sql',
    sql: 'clean_up_batch.row_limit',
    reason: 'A parameter of the statements of this file.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/count_aged_rows.sql',
    sql: "format( 'select count(*) from (select from %I.%I as r where %s and (%s) = $2 limit $3) as t', v_plan.schema_name, v_plan.table_name, v_plan.aged, v_plan.held )",
    reason: 'The same policies; only owners may call it.',
    unquoted: 'As in clean_up_batch.sql.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/count_aged_rows.sql',
    sql: 'count_aged_rows.cutoff',
    reason: 'A parameter of the statements of this file.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/count_aged_rows.sql',
    sql: 'count_aged_rows.is_held',
    reason: 'A parameter of the statements of this file.',
  },
  {
    file: 'migrations/fixtures/gdpr/retention/count_aged_rows.sql',
    sql: 'count_aged_rows.row_limit',
    reason: 'A parameter of the statements of this file.',
  },
]
