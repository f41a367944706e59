/**
 * Statements built at run time, and settings that decide who is asking: each was read by a person, and says here why
 * no caller can bend it. A new or changed one is a finding until it is entered; one that is gone is a finding too.
 */

/**
 * One reviewed place. `sql` is the expression as it stands in the file, with white space folded; `unquoted` says where
 * text that goes in unquoted was put together, and is for that alone.
 */
export type Reviewed = { file: string; sql: string; reason: string; unquoted?: string }

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
    file: 'migrations/fixtures/ops/create_monthly_partitions.sql',
    sql: "format( 'create trigger %I before truncate on %I.%I for each statement execute function %I.%I()', v_leaf.tgname, v_leaf.schema_name, v_leaf.table_name, v_leaf.function_schema, v_leaf.proname )",
    reason: 'Repeats on a partition what the owner has put on its parent; every name comes from the catalog.',
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
    sql: "format( 'select %L::text, to_jsonb(t) from (select %s from %I.%I where %s) as t', v_table.schema_name || '.' || v_table.table_name, v_table.columns, v_table.schema_name, v_table.table_name, gdpr.subject_filter(v_table.schema_name, v_table.table_name) )",
    reason:
      'Only operators may call it; names come from the registry and the catalog, quoted, and the person is a parameter.',
    unquoted: 'The columns are quoted one by one above; gdpr.subject_filter() quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/gdpr/export/export_rows.sql',
    sql: 'export_rows.user_id',
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
    file: 'migrations/fixtures/gdpr/anonymization/count_people.sql',
    sql: "format( 'insert into gdpr.anonymous_counts (name, label, day, people_count) select $1, f.label, f.day, f.people from %s($2, $3) as f where f.people >= gdpr.smallest_crowd() order by f.label, f.day on conflict do nothing', v_source.source::regprocedure::regproc )",
    reason: 'The function exists; days are parameters.',
    unquoted: 'Only registry.sql files name the function, and a regproc prints its name quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/anonymization/count_people.sql',
    sql: 'v_source.name',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/anonymization/count_people.sql',
    sql: "coalesce(v_source.counted_until, '-infinity'::date)",
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/anonymization/count_people.sql',
    sql: 'v_until',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/begin_erasure.sql',
    sql: "set_config('howdah.erasing', …)",
    reason:
      'Saves a look-up and is not believed: the audit trigger asks gdpr.erasures, which only its functions write.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql',
    sql: "format( 'select string_agg(f.line || '' '' || $2, ''; '') from %s($1) as f (line)', v_obstacle.source::regprocedure::regproc )",
    reason: 'The function exists; the person is a parameter.',
    unquoted: 'Only registry.sql files name the function, and a regproc prints its name quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql',
    sql: 'find_erasure_obstacles.user_id',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql',
    sql: 'v_obstacle.description',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/erase_rows.sql',
    sql: "format( 'delete from %1$I.%2$I where ctid = any (array(select ctid from %1$I.%2$I where %3$s limit $2)) and %3$s', erase_rows.schema_name, erase_rows.table_name, erase_rows.filter )",
    reason: 'Only operators may call it; the person is a parameter.',
    unquoted: 'The filter is gdpr.subject_filter(), which quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/erase_rows.sql',
    sql: 'erase_rows.row_limit',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/fences/declare_fences.sql',
    sql: "format( 'create or replace trigger _800_refuse_erased after insert on %I.%I referencing new table as added ' 'for each statement execute function gdpr.tg__refuse_erased()', v_table.schema_name, v_table.table_name )",
    reason: 'Owners call it in registry.sql; names come from the registry and are quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/erasure/renew_next_statistics.sql',
    sql: "format( 'refresh materialized view %s %I.%I', case when v_view.is_concurrent then 'concurrently' else '' end, v_view.nspname, v_view.relname )",
    reason: 'Names come from the catalog, quoted.',
    unquoted: 'One of the two literals in the line.',
  },
  {
    file: 'migrations/fixtures/gdpr/recipients/write_recipient_notices.sql',
    sql: "format( 'select array_agg(distinct f.reference order by f.reference) from %s($1) as f (reference)', v_recipient.source::regprocedure::regproc )",
    reason: 'The function exists; the person is a parameter.',
    unquoted: 'Only registry.sql files name the function, and a regproc prints its name quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/recipients/write_recipient_notices.sql',
    sql: '(select e.user_id from gdpr.erasures as e where e.id = write_recipient_notices.erasure_id)',
    reason: 'A parameter of the statement above.',
  },
]
