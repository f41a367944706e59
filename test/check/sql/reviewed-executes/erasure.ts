/** SQL built at run time in erasure. */
import type { Reviewed } from './reviewed.ts'

export const ERASURE: readonly Reviewed[] = [
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
    file: 'migrations/fixtures/gdpr/erasure/renew_next_statistics.sql',
    sql: "format( 'refresh materialized view %s %I.%I', case when v_view.is_concurrent then 'concurrently' else '' end, v_view.nspname, v_view.relname )",
    reason: 'Names come from the catalog, quoted.',
    unquoted: 'One of the two literals in the line.',
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
    file: 'migrations/fixtures/gdpr/fences/declare_fences.sql',
    sql: "format( 'create or replace trigger _800_refuse_erased after insert on %I.%I referencing new table as added ' 'for each statement execute function gdpr.tg__refuse_erased()', v_table.schema_name, v_table.table_name )",
    reason: 'Owners call it in registry.sql; names come from the registry and are quoted.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/is_shared_word.sql',
    sql: "format( 'select exists (select from %I.%I as t cross join lateral %s as w (word) where %s and left(w.word, 200) = $2)', v_column.schema_name, v_column.table_name, v_column.words, v_column.is_others )",
    reason:
      'Only the proof calls it; names come from the registry and the catalog, word and person are parameters.',
    unquoted:
      'gdpr.words_in() and gdpr.subject_filter() quote every name they put in; so does the condition above.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/is_shared_word.sql',
    sql: 'is_shared_word.user_id',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/is_shared_word.sql',
    sql: 'is_shared_word.word',
    reason: 'A parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/personal_words.sql',
    sql: "format( 'select %L::text, d.word, %L or d.word ~ ''^[^@[:space:]]+@[^@[:space:]]+$'' from ( select distinct left(r.word, 200) as word from (select w.word from %I.%I as t cross join lateral %s as w (word) where %s limit 2000) as r where r.word <> '''' limit 40 ) as d', v_column.origin, v_column.says_who, v_column.schema_name, v_column.table_name, v_column.words, v_column.filter )",
    reason:
      'Only an erasure calls it; names come from the registry and the catalog, the person is a parameter.',
    unquoted: 'gdpr.words_in() and gdpr.subject_filter() quote every name they put in.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/personal_words.sql',
    sql: 'personal_words.user_id',
    reason: 'The parameter of the statement above.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/search_relation.sql',
    sql: "format('select string_agg(lower(%s), E''\\n''), %s + count(*) from %s as t where %s', search_relation.text_of, v_all, v_relation, v_where)",
    reason: 'Only the proof calls it, with what gdpr.searched_relations() made of the catalog.',
    unquoted:
      'The columns are quoted one by one there, the relation in the line of its declaration; the rest are numbers.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/search_relation.sql',
    sql: "format( 'select n.needle, count(*) from %s as t, unnest($1) as n (needle) where %s and strpos(lower(%s), n.needle) > 0 group by n.needle', v_relation, v_where, search_relation.text_of )",
    reason: 'As above; what is searched for is a parameter.',
    unquoted: 'As above.',
  },
  {
    file: 'migrations/fixtures/gdpr/proof/search_relation.sql',
    sql: 'v_found',
    reason: 'The parameter of the statement above.',
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
