/** SQL built at run time in ops. */
import type { Reviewed } from './reviewed.ts'

export const OPS: readonly Reviewed[] = [
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
    file: 'migrations/fixtures/ops/drop_audit_months.sql',
    sql: "format('drop table core.%I', v_month)",
    reason: 'Only the owner may call it; the names are partitions of the log, from the catalog.',
  },
  {
    file: 'migrations/fixtures/ops/materialized_views/refresh_view.sql',
    sql: "format('refresh materialized view concurrently %I.%I', v_view.schema_name, v_view.view_name)",
    reason: 'Names come from ops.materialized_views, which owners write, and are quoted.',
  },
  {
    file: 'migrations/fixtures/ops/materialized_views/refresh_view.sql',
    sql: "format('refresh materialized view %I.%I', v_view.schema_name, v_view.view_name)",
    reason: 'Names come from ops.materialized_views, which owners write, and are quoted.',
  },
  {
    file: 'migrations/fixtures/ops/materialized_views/refresh_view.sql',
    sql: "format('select count(*) from %I.%I', v_view.schema_name, v_view.view_name)",
    reason: 'Names come from ops.materialized_views, which owners write, and are quoted.',
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
    file: 'migrations/fixtures/ops/monitoring/measure.sql',
    sql: "format( 'select s.metric, s.labels, s.value, null::text from %I.%I() as s', v_source.source_schema, v_source.source_function )",
    reason: 'Only owners write ops.metrics; the names are those of a function that exists, and are quoted.',
  },
  {
    file: 'migrations/fixtures/ops/monitoring/measure_partitions.sql',
    sql: "format( 'select %L, jsonb_build_object(''relation'', %L), count(*)::numeric from (select from %I.%I limit 10000) as t', 'default_partition_rows', v_default.relation, v_default.nspname, v_default.relname )",
    reason: 'Names come from ops.partitioned_tables and the catalog, and are quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/copy_truncate_triggers.sql',
    sql: "format( 'create trigger %I before truncate on %I.%I for each statement execute function %I.%I()', v_leaf.tgname, v_leaf.schema_name, v_leaf.table_name, v_leaf.function_schema, v_leaf.proname )",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/drop_month.sql',
    sql: "format('drop table %I.%I', v_month.nspname, v_month.relname)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/is_month_on_hold.sql',
    sql: "format('select exists (select from %I.%I where %s)', v_place.partition_schema, v_place.partition_name, v_filter)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
    unquoted: 'The filter is gdpr.subject_filter(), which quotes every name it puts in.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/is_month_on_hold.sql',
    sql: 'v_user_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_default_partition.sql',
    sql: "format( 'create table %I.%I partition of %I.%I default', v_parent.schema_name, v_parent.default_name, v_parent.schema_name, v_parent.table_name )",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_default_partition.sql',
    sql: "format('alter table %I.%I enable row level security', v_parent.schema_name, v_parent.default_name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('create table %I.%I (like %I.%I including all excluding identity excluding comments)', v_month.schema_name, v_month.name, v_month.schema_name, v_month.table_name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('alter table %I.%I enable row level security', v_month.schema_name, v_month.name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: 'v_move',
    reason: 'Put together above from names of the catalog, each quoted, and dates.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('alter table %1$I.%2$I add constraint is_of_month check (%3$I >= %4$L and %3$I < %5$L)', v_month.schema_name, v_month.name, make_month.key_column, make_month.month, v_until)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('lock table only %I.%I in access exclusive mode', v_month.schema_name, v_month.table_name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('lock table only %I.%I in access exclusive mode', v_month.schema_name, v_month.default_name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('alter table %I.%I attach partition %I.%I for values from (%L) to (%L)', v_month.schema_name, v_month.table_name, v_month.schema_name, v_month.name, make_month.month, v_until)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/make_month.sql',
    sql: "format('alter table %I.%I drop constraint is_of_month', v_month.schema_name, v_month.name)",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/partitions/months_wanted.sql',
    sql: "format( 'select distinct date_trunc(''month'', t.%1$I)::date from %2$I.%3$I as t where isfinite(t.%1$I)', months_wanted.key_column, v_default.nspname, v_default.relname )",
    reason:
      'Only the registry and the catalog name what is made and dropped, which owners write; every name is quoted.',
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
    file: 'migrations/fixtures/ops/upkeep/analyze_table.sql',
    sql: "format('analyze %I.%I', v_table.nspname, v_table.relname)",
    reason: 'The name is one the catalog has, of a table of the owner, and is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/upkeep/drop_broken_indexes.sql',
    sql: "format('drop index %I.%I', v_index.nspname, v_index.relname)",
    reason: 'The name comes from the catalog and is quoted.',
  },
  {
    file: 'migrations/fixtures/ops/upkeep/warm_caches.sql',
    sql: "'select extensions.pg_prewarm($1)'",
    reason: 'A constant, or names from the catalog, quoted; nothing of the caller goes in.',
  },
  {
    file: 'migrations/fixtures/ops/upkeep/warm_caches.sql',
    sql: 'v_relation.oid::regclass',
    reason: 'A constant, or names from the catalog, quoted; nothing of the caller goes in.',
  },
  {
    file: 'migrations/fixtures/ops/upkeep/warm_caches.sql',
    sql: "format('select count(*) from %I.%I', v_relation.nspname, v_relation.relname)",
    reason: 'A constant, or names from the catalog, quoted; nothing of the caller goes in.',
  },
]
