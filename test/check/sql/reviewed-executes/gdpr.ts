/** SQL built at run time in gdpr. */
import type { Reviewed } from './reviewed.ts'

export const GDPR: readonly Reviewed[] = [
  {
    file: "migrations/fixtures/gdpr/anonymization/count_people.sql",
    sql: "format( 'insert into gdpr.anonymous_counts (name, label, day, people_count) select $1, f.label, f.day, f.people from %s($2, $3) as f where f.people >= gdpr.smallest_crowd() order by f.label, f.day on conflict do nothing', v_source.source::regprocedure::regproc )",
    reason: "The function exists; days are parameters.",
    unquoted: "Only registry.sql files name the function, and a regproc prints its name quoted.",
  },
  {
    file: "migrations/fixtures/gdpr/anonymization/count_people.sql",
    sql: "v_source.name",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/anonymization/count_people.sql",
    sql: "coalesce(v_source.counted_until, '-infinity'::date)",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/anonymization/count_people.sql",
    sql: "v_until",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_readable_by.sql",
    sql: "set_config('request.jwt.claims', …)",
    reason: "Only operators may call it; the claims come from core.users, and what was set before is set again.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_readable_by.sql",
    sql: "set_config('role', …)",
    reason: "Only operators may call it; a role can be taken only by its members, comes from a checked column, and ends with the call.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_readable_by.sql",
    sql: "format('select case when exists (select from %I.%I) then array[$1] end', v_table ->> 'schema_name', v_table ->> 'table_name')",
    reason: "Names come from gdpr.column_policies, which owners write; runs with the rights of the person looked at.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_readable_by.sql",
    sql: "people_readable_by.reader_id",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_readable_by.sql",
    sql: "format('select array_agg(distinct t.%I) from %I.%I as t', v_table ->> 'subject', v_table ->> 'schema_name', v_table ->> 'table_name')",
    reason: "Names come from gdpr.column_policies, which owners write; runs with the rights of the person looked at.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_with_rows.sql",
    sql: "format( 'select person.id from core.users as person where person.status <> ''erased'' and ($2 is null or person.created_at <= $2) and exists (select from %I.%I as leaked where (%s) and %s and %s)', people_with_rows.schema_name, people_with_rows.table_name, replace(v_filter, '$1', 'person.id'), case when people_with_rows.tenant_column is null then 'true' else format('leaked.%I = $1', people_with_rows.tenant_column) end, case when v_is_dated then '($2 is null or leaked.created_at <= $2)' else 'true' end )",
    reason: "Only operators may call it; names come from gdpr.column_policies, values are parameters.",
    unquoted: "The filter is what gdpr.subject_filter() builds from the catalog with %I; the other pieces are literals.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_with_rows.sql",
    sql: "people_with_rows.tenant_id",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/breaches/people_with_rows.sql",
    sql: "people_with_rows.until",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/data_exports/open_data_export_table.sql",
    sql: "format('select to_json(%s)::text as row from (%s) as t', v_value, v_table.query)",
    reason: "The worker names a table of gdpr.export_tables() and nothing else; the person is a parameter.",
    unquoted: "The value is the row or its columns, quoted above; the query is of gdpr.export_tables().",
  },
  {
    file: "migrations/fixtures/gdpr/data_exports/open_data_export_table.sql",
    sql: "v_user_id",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/begin_erasure.sql",
    sql: "set_config('howdah.erasing', …)",
    reason: "Saves a look-up and is not believed: the audit trigger asks gdpr.erasures, which only its functions write.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql",
    sql: "format( 'select string_agg(f.line || '' '' || $2, ''; '') from %s($1) as f (line)', v_obstacle.source::regprocedure::regproc )",
    reason: "The function exists; the person is a parameter.",
    unquoted: "Only registry.sql files name the function, and a regproc prints its name quoted.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql",
    sql: "find_erasure_obstacles.user_id",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/declare_erasure_obstacle.sql",
    sql: "v_obstacle.description",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/erase_rows.sql",
    sql: "format('delete from %I.%I where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.filter)",
    reason: "Only operators may call it; the person is a parameter.",
    unquoted: "The filter is gdpr.subject_filter(), which quotes every name it puts in.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/erase_rows.sql",
    sql: "format( 'update %I.%I set %s where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.assignments, erase_rows.filter )",
    reason: "Only operators may call it; the person is a parameter.",
    unquoted: "The filter as above; names in assignments are quoted, their values are expressions that registry.sql files declare.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/erase_rows.sql",
    sql: "erase_rows.user_id",
    reason: "The parameter of the two statements above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/erase_rows.sql",
    sql: "format( 'delete from %1$I.%2$I where ctid = any (array(select ctid from %1$I.%2$I where %3$s limit $2)) and %3$s', erase_rows.schema_name, erase_rows.table_name, erase_rows.filter )",
    reason: "Only operators may call it; the person is a parameter.",
    unquoted: "The filter is gdpr.subject_filter(), which quotes every name it puts in.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/erase_rows.sql",
    sql: "erase_rows.row_limit",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/find_traces.sql",
    sql: "format( 'select %L::text, w.word, count(*) from %I.%I as t, unnest($1) as w (word) where strpos(lower(t::text), lower(w.word)) > 0 group by w.word', v_relation.full_name, v_relation.schema_name, v_relation.table_name )",
    reason: "Only operators may call it; names come from the catalog, words are a parameter.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/find_traces.sql",
    sql: "find_traces.words",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_next_statistics.sql",
    sql: "format( 'refresh materialized view %s %I.%I', case when v_view.is_concurrent then 'concurrently' else '' end, v_view.nspname, v_view.relname )",
    reason: "Names come from the catalog, quoted.",
    unquoted: "One of the two literals in the line.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "'select pg_catalog.pg_clear_attribute_stats($1, $2, $3, $4)'",
    reason: "A constant; written so because Postgres before 18 does not know the function.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "v_column.nspname::text",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "v_column.relname::text",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "v_column.column_name::text",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "v_column.is_parent",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/erasure/renew_statistics.sql",
    sql: "format('analyze %I.%I', renew_statistics.schema_name, renew_statistics.table_name)",
    reason: "Only operators may call it; the names are quoted.",
  },
  {
    file: "migrations/fixtures/gdpr/export/export_rows.sql",
    sql: "format( 'select %L::text, to_jsonb(t) from (select %s from %I.%I where %s) as t', v_table.schema_name || '.' || v_table.table_name, v_table.columns, v_table.schema_name, v_table.table_name, gdpr.subject_filter(v_table.schema_name, v_table.table_name) )",
    reason: "Only operators may call it; names come from the registry and the catalog, quoted, and the person is a parameter.",
    unquoted: "The columns are quoted one by one above; gdpr.subject_filter() quotes every name it puts in.",
  },
  {
    file: "migrations/fixtures/gdpr/export/export_rows.sql",
    sql: "export_rows.user_id",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/export/export_rows.sql",
    sql: "format('select %L::text, to_jsonb(t) from (%s) as t', v_table.relation, v_table.query)",
    reason: "Only operators may call it; the person is a parameter.",
    unquoted: "The query is of gdpr.export_tables(), which quotes every name it puts in.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/is_shared_word.sql",
    sql: "format( 'select exists (select from %I.%I as t cross join lateral %s as w (word) where %s and left(w.word, 200) = $2)', v_column.schema_name, v_column.table_name, v_column.words, v_column.is_others )",
    reason: "Only the proof calls it; names come from the registry and the catalog, word and person are parameters.",
    unquoted: "gdpr.words_in() and gdpr.subject_filter() quote every name they put in; so does the condition above.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/is_shared_word.sql",
    sql: "is_shared_word.user_id",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/is_shared_word.sql",
    sql: "is_shared_word.word",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/personal_words.sql",
    sql: "format( 'select %L::text, d.word, %L or d.word ~ ''^[^@[:space:]]+@[^@[:space:]]+$'' from ( select distinct left(r.word, 200) as word from (select w.word from %I.%I as t cross join lateral %s as w (word) where %s limit 2000) as r where r.word <> '''' limit 40 ) as d', v_column.origin, v_column.says_who, v_column.schema_name, v_column.table_name, v_column.words, v_column.filter )",
    reason: "Only an erasure calls it; names come from the registry and the catalog, the person is a parameter.",
    unquoted: "gdpr.words_in() and gdpr.subject_filter() quote every name they put in.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/personal_words.sql",
    sql: "personal_words.user_id",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/search_relation.sql",
    sql: "format('select string_agg(lower(%s), E''\\n''), %s + count(*) from %s as t where %s', search_relation.text_of, v_all, v_relation, v_where)",
    reason: "Only the proof calls it, with what gdpr.searched_relations() made of the catalog.",
    unquoted: "The columns are quoted one by one there, the relation in the line of its declaration; the rest are numbers.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/search_relation.sql",
    sql: "format( 'select n.needle, count(*) from %s as t, unnest($1) as n (needle) where %s and strpos(lower(%s), n.needle) > 0 group by n.needle', v_relation, v_where, search_relation.text_of )",
    reason: "As above; what is searched for is a parameter.",
    unquoted: "As above.",
  },
  {
    file: "migrations/fixtures/gdpr/proof/search_relation.sql",
    sql: "v_found",
    reason: "The parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/readers/declare_readers.sql",
    sql: "format('revoke all on %I.%I from %I', v_cell.nspname, v_cell.relname, v_cell.role)",
    reason: "Only owners call it; every name comes from the catalog, roles from gdpr.reader_rules().",
  },
  {
    file: "migrations/fixtures/gdpr/readers/declare_readers.sql",
    sql: "format('grant select (%I) on %I.%I to %I', v_column, v_cell.nspname, v_cell.relname, v_cell.role)",
    reason: "The same names.",
  },
  {
    file: "migrations/fixtures/gdpr/readers/declare_readers.sql",
    sql: "format('grant usage on schema %I to %I', v_cell.nspname, v_cell.role)",
    reason: "The same names.",
  },
  {
    file: "migrations/fixtures/gdpr/readers/declare_readers.sql",
    sql: "format('drop policy if exists %I on %I.%I', v_cell.policy, v_cell.nspname, v_cell.relname)",
    reason: "The same names.",
  },
  {
    file: "migrations/fixtures/gdpr/readers/declare_readers.sql",
    sql: "format( 'create policy %I on %I.%I for select to %I using (true)', v_cell.policy, v_cell.nspname, v_cell.relname, v_cell.role )",
    reason: "The same names.",
  },
  {
    file: "migrations/fixtures/gdpr/recipients/write_recipient_notices.sql",
    sql: "format( 'select array_agg(distinct f.reference order by f.reference) from %s($1) as f (reference)', v_recipient.source::regprocedure::regproc )",
    reason: "The function exists; the person is a parameter.",
    unquoted: "Only registry.sql files name the function, and a regproc prints its name quoted.",
  },
  {
    file: "migrations/fixtures/gdpr/recipients/write_recipient_notices.sql",
    sql: "(select e.user_id from gdpr.erasures as e where e.id = write_recipient_notices.erasure_id)",
    reason: "A parameter of the statement above.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "format( 'select %I.%I($1, $2)', (parse_ident(v_policy.handler))[1], (parse_ident(v_policy.handler))[2] )",
    reason: "Only owners write gdpr.retention_policies; the name of the function is quoted.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "format('delete from %I.%I as r where r.ctid = any (%s)', v_plan.schema_name, v_plan.table_name, v_due)",
    reason: "Only owners write gdpr.retention_policies; the worker picks one by its name.",
    unquoted: "Age and condition are expressions that registry.sql files declare; gdpr.held_filter() quotes every name it puts in.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "format( 'update %I.%I as r set %s where r.ctid = any (%s)', v_plan.schema_name, v_plan.table_name, (select string_agg(format('%I = %s', a.key, a.value), ', ') from jsonb_each_text(v_policy.assignments) as a), v_due )",
    reason: "The same policies.",
    unquoted: "As above; names in assignments are quoted, their values are declared expressions.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "v_plan.keep",
    reason: "A parameter of the statements of this file.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "v_plan.cutoff",
    reason: "A parameter of the statements of this file.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/clean_up_batch.sql",
    sql: "clean_up_batch.row_limit",
    reason: "A parameter of the statements of this file.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/count_aged_rows.sql",
    sql: "format( 'select count(*) from (select from %I.%I as r where %s and (%s) = $2 limit $3) as t', v_plan.schema_name, v_plan.table_name, v_plan.aged, v_plan.held )",
    reason: "The same policies; only owners may call it.",
    unquoted: "As in clean_up_batch.sql.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/count_aged_rows.sql",
    sql: "count_aged_rows.cutoff",
    reason: "A parameter of the statements of this file.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/count_aged_rows.sql",
    sql: "count_aged_rows.is_held",
    reason: "A parameter of the statements of this file.",
  },
  {
    file: "migrations/fixtures/gdpr/retention/count_aged_rows.sql",
    sql: "count_aged_rows.row_limit",
    reason: "A parameter of the statements of this file.",
  },
]
