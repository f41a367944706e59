/** The reviewed places of the upkeep: DDL and maintenance, whose commands take no parameters. */
import type { Reviewed } from './reviewed-executes.ts'

/** By file. */
export const REVIEWED_UPKEEP: readonly Reviewed[] = [
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
