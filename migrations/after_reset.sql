-- What only a superuser can do: roles, schemas of extensions, database-wide defaults.
-- Runs once in every new database (and in graphile-migrate's shadow); safe to repeat.
-- Roles belong to the whole cluster, so they are created only if missing and never get a password here.

do $$
declare
  v_role text;
  v_limits record;
begin
  -- One advisory lock: two databases made at the same time must not both create the roles.
  perform pg_advisory_xact_lock(hashtextextended('howdah:roles', 0));
  foreach v_role in array array[
    'howdah_migrations', 'howdah_authenticator', 'howdah_worker',
    'howdah_anon', 'howdah_user', 'howdah_admin',
    'howdah_metrics', 'howdah_analytics', 'howdah_readonly', 'howdah_monitoring', 'howdah_backup'
  ] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I nologin', v_role);
    end if;
  end loop;

  alter role howdah_migrations login nosuperuser nobypassrls;
  alter role howdah_authenticator login noinherit nosuperuser nobypassrls;
  alter role howdah_worker login nosuperuser nobypassrls;

  -- A copy is a copy of everything: pg_dump reads past row-level security, pg_basebackup replicates. Whether these four
  -- may log in is the operator's to say (docs/roles.md) and stays as it is.
  alter role howdah_backup nosuperuser bypassrls replication;
  alter role howdah_analytics nosuperuser nobypassrls noreplication;
  alter role howdah_readonly nosuperuser nobypassrls noreplication;
  alter role howdah_monitoring nosuperuser nobypassrls noreplication;

  -- Nobody waits or works for ever. PostgREST applies the settings of the role it becomes to each request; the functions
  -- that hash a password ask for five seconds of their own. A transaction's limit is the last net: it ends the session.
  for v_limits in
    select * from (values
      ('howdah_anon', '1s', '1s', '10s', '8s'),
      ('howdah_user', '5s', '2s', '10s', '8s'),
      ('howdah_admin', '10s', '2s', '10s', '15s'),
      ('howdah_metrics', '5s', '1s', '10s', '8s'),
      -- The login itself reads the catalog, and is one of the three above whenever somebody asks.
      ('howdah_authenticator', '1min', '2s', '10s', '0'),
      ('howdah_worker', '5min', '2s', '30s', '10min'),
      ('howdah_analytics', '5min', '2s', '30s', '10min'),
      ('howdah_readonly', '30s', '2s', '30s', '10min'),
      ('howdah_monitoring', '5s', '1s', '10s', '10s'),
      -- A dump is one long transaction; pg_dump sets all four to none by itself.
      ('howdah_backup', '12h', '1min', '30s', '24h')
    ) as l (role, statement, lock, idle, transaction)
  loop
    execute format('alter role %I set statement_timeout = %L', v_limits.role, v_limits.statement);
    execute format('alter role %I set lock_timeout = %L', v_limits.role, v_limits.lock);
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', v_limits.role, v_limits.idle);
    if current_setting('server_version_num')::integer >= 170000 then
      execute format('alter role %I set transaction_timeout = %L', v_limits.role, v_limits.transaction);
    end if;
  end loop;
  alter role howdah_analytics set default_transaction_read_only = on;
  alter role howdah_readonly set default_transaction_read_only = on;
  alter role howdah_readonly set search_path = ops, gdpr;

  -- Operators type `select * from schema_migrations` without a schema.
  alter role howdah_migrations set search_path = ops, gdpr;
end
$$;

grant howdah_anon, howdah_user, howdah_admin to howdah_authenticator;
-- What a scrape token becomes: may call api.metrics() and nothing else.
grant howdah_metrics to howdah_authenticator;
-- Owns graphile_worker's tables, whose RLS has no policies; membership lets our enqueue function add jobs.
grant howdah_worker to howdah_migrations;
-- The monitoring looks at what other sessions do.
grant pg_read_all_stats to howdah_migrations;
-- Operators end what holds others up (ops/emergency), superusers' sessions excepted.
grant pg_signal_backend to howdah_migrations;
-- The worker vacuums and rebuilds indexes without owning a table. Before Postgres 17 there is no such right, and its task
-- says so (docs/maintenance.md).
do $$
begin
  if exists (select from pg_roles where rolname = 'pg_maintain') then
    execute 'grant pg_maintain to howdah_worker';
  end if;
end
$$;
-- The write-ahead log is part of what fills a disk.
grant execute on function pg_ls_waldir() to howdah_migrations;
-- Which segments of the log wait for the archive, by name and age.
grant execute on function pg_ls_archive_statusdir() to howdah_migrations;
-- ops.act_as() turns an operator's session into a user's.
grant howdah_user, howdah_admin to howdah_migrations;
-- Statistics of the server, and none of our tables.
grant pg_monitor to howdah_monitoring;
grant pg_read_all_data to howdah_backup;
grant execute on function pg_backup_start(text, boolean), pg_backup_stop(boolean) to howdah_backup;

alter database :DATABASE_NAME owner to howdah_migrations;
revoke all on database :DATABASE_NAME from public;
grant connect on database :DATABASE_NAME to
  howdah_authenticator, howdah_worker, howdah_analytics, howdah_readonly, howdah_monitoring, howdah_backup;
revoke all on schema public from public;

-- Only this global form works; with "in schema" the revoke would do nothing.
alter default privileges for role howdah_migrations revoke execute on functions from public;

create schema if not exists extensions;
grant usage on schema extensions to howdah_migrations, howdah_worker;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists pg_trgm with schema extensions;
-- Counts queries where the server preloads it; where it does not, the monitoring says so.
create extension if not exists pg_stat_statements with schema extensions;
-- Reads tables into memory before the morning. Some servers come without it; ops.warm_caches() then says that it read.
do $$
begin
  create extension if not exists pg_prewarm with schema extensions;
exception
  when feature_not_supported or undefined_file or insufficient_privilege then
    raise notice 'pg_prewarm is not to be had here: %', sqlerrm;
end
$$;

-- graphile-worker migrates its own schema as howdah_worker; it may not create schemas, so both stand ready.
create schema if not exists graphile_worker authorization howdah_worker;
create table if not exists graphile_worker.migrations (
  id int primary key,
  ts timestamptz default now() not null,
  breaking boolean default false not null
);
alter table graphile_worker.migrations owner to howdah_worker;

-- The audit log against the owner of the database: what a trigger cannot refuse, because its owner may drop it, an event
-- trigger does. Only a superuser makes one; where nobody is (managed Postgres), ops.verify_audit() still notices.
-- In a schema that is not the owner's, and never security definer: what it reads, the owner could have replaced.
create or replace function extensions.tg__keep_audit()
  returns event_trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $keep$
declare
  v_refused text;
begin
  -- Superusers are above this, and undoing a migration needs one. Others have no right to the log anyway.
  if (select r.rolsuper from pg_roles as r where r.rolname = session_user)
    or not pg_has_role('howdah_migrations', 'member') then
    return;
  end if;
  -- Apart, because each event's own functions answer to that event only.
  if tg_event = 'table_rewrite' then
    select format('%s would be rewritten', t.tgrelid::regclass) into v_refused
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
    where t.tgrelid = pg_event_trigger_table_rewrite_oid() and p.proname = 'tg__refuse_audit_change'
    limit 1;
  elsif tg_event = 'sql_drop' then
    v_refused := extensions.audit_drop_problem();
  else
    v_refused := extensions.audit_alter_problem(tg_tag);
  end if;
  if v_refused is not null then
    raise exception using
      errcode = 'PT403',
      message = 'audit_append_only',
      detail = format('%s was refused: %s.', tg_tag, v_refused),
      hint = 'Months past retention go by ops.drop_audit_months(); anything else takes a superuser.';
  end if;
end
$keep$;

create or replace function extensions.audit_drop_problem()
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $keep$
declare
  v_object record;
begin
  for v_object in
    select d.object_type, d.object_identity, d.original, d.address_names as names
    from pg_event_trigger_dropped_objects() as d
    where d.address_names[1] = 'core' and d.address_names[2] ~ '^audit_(log(_\d{4}_\d{2})?|seals)$'
        and d.object_type in ('table', 'table column', 'table constraint', 'trigger')
      or d.object_type = 'function' and d.address_names[1] = 'core'
        and d.address_names[2] in ('tg__audit_row', 'tg__audit_truncate', 'tg__refuse_audit_change')
      or d.object_type = 'trigger' and d.original and d.address_names[3] in ('_900_audit_row', '_900_audit_truncate')
  loop
    if to_regclass('core.audit_log') is not null then
      -- A month that the log itself says goodbye to, in this transaction.
      continue when v_object.names[2] ~ '^audit_log_\d{4}_\d{2}$' and exists (
        select from core.audit_log as e
        where e.transaction_id = pg_current_xact_id()
          and e.operation = 'audit_months_dropped'
          and e.new_values -> 'partitions' ? v_object.names[2]
      );
      -- A table that is not audited any more; that it is not is an event.
      continue when v_object.original and v_object.names[3] like '\_900\_audit\_%' and exists (
        select from core.audited_tables as a
        where (a.schema_name, a.table_name) = (v_object.names[1], v_object.names[2]) and not a.is_audited
      );
    end if;
    return format('%s %s', v_object.object_type, v_object.object_identity);
  end loop;
  return null;
end
$keep$;

create or replace function extensions.audit_alter_problem(tag text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $keep$
-- plpgsql keeps the plan; fixtures run this hundreds of times.
begin
  return (
  with touched as materialized (
    select coalesce(t.tgrelid, r.ev_class, case when d.classid = 'pg_class'::regclass then d.objid end) as oid
    from pg_event_trigger_ddl_commands() as d
    left join pg_trigger as t on d.classid = 'pg_trigger'::regclass and t.oid = d.objid
    left join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
  ),
  -- What a command does to a table it may do to its partitions.
  concerned as materialized (
    select t.oid from touched as t
    union
    select i.inhrelid from touched as t join pg_inherits as i on i.inhparent = t.oid
    union
    select c.oid from pg_class as c
    where audit_alter_problem.tag = 'ALTER SCHEMA' and c.relname ~ '^audit_(log|seals)'
  ),
  family as materialized (
    select c.oid, c.relname, n.nspname, c.relrowsecurity, c.relowner
    from concerned join pg_class as c on c.oid = concerned.oid join pg_namespace as n on n.oid = c.relnamespace
    where exists (
      select from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
      where t.tgrelid = c.oid and p.proname = 'tg__refuse_audit_change'
    )
  )
  select found.problem from (
    select format('%I.%I has another name or owner', f.nspname, f.relname) as problem from family as f
    where f.nspname <> 'core' or f.relname !~ '^audit_(log(_\d{4}_\d{2})?|seals)$'
      or f.relowner <> (select r.oid from pg_roles as r where r.rolname = 'howdah_migrations')
    union all
    select format('%I is open to more than its policies', f.relname) from family as f
    where audit_alter_problem.tag = 'ALTER TABLE' and not f.relrowsecurity and f.oid in (select t.oid from touched as t)
    union all
    select format('%I has a column %I', f.relname, a.attname)
    from family as f join pg_attribute as a on a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped
    -- A migration that adds a column adds its name here.
    where a.attname not in (
      'id', 'occurred_at', 'transaction_id', 'kind', 'relation', 'operation', 'actor_user_id', 'actor_session_id',
      'subject_id', 'tenant_id', 'database_role', 'acting_role', 'job_id', 'request_id', 'key', 'old_values',
      'new_values', 'salt', 'payload_hash', 'row_hash', 'blanked_by',
      'number', 'from_transaction', 'until_transaction', 'first_event', 'event_count', 'sealed_at', 'previous_hash', 'hash'
    )
    union all
    select format('%I is no part of the log', c.relname)
    from pg_class as c
    where to_regclass('core.audit_log') in (select t.oid from touched as t)
      and c.relnamespace = to_regnamespace('core') and c.relname ~ '^audit_log_\d{4}_\d{2}$'
      and not exists (select from pg_inherits as i where i.inhrelid = c.oid and i.inhparent = to_regclass('core.audit_log'))
    union all
    select format('a rule on %I', f.relname) from family as f join pg_rewrite as r on r.ev_class = f.oid
    union all
    select format('trigger %I on %s', t.tgname, t.tgrelid::regclass)
    from concerned join pg_trigger as t on t.tgrelid = concerned.oid join pg_proc as p on p.oid = t.tgfoid
    where not t.tgisinternal and (
      -- Switched off, made conditional, or no longer known by its name.
      p.proname in ('tg__audit_row', 'tg__audit_truncate', 'tg__refuse_audit_change')
        and (t.tgenabled not in ('O', 'A') or t.tgqual is not null or t.tgname not in (
          '_000_refuse_change', '_000_refuse_truncate', '_900_audit_row', '_900_audit_truncate'
        ))
      or t.tgrelid in (select f.oid from family as f) and p.proname <> 'tg__refuse_audit_change'
    )
  ) as found
  limit 1
  );
end
$keep$;

comment on function extensions.tg__keep_audit() is
$$Refuses to the owner of the database what would take the audit log, or what guards it, away. Errors: audit_append_only (403).$$;
comment on function extensions.audit_drop_problem() is $$What was dropped and may not be; null when nothing.$$;
comment on function extensions.audit_alter_problem(text) is $$What of the audit log is not as it must be after a DDL command; null when nothing.$$;
revoke all on function extensions.audit_drop_problem(), extensions.audit_alter_problem(text) from public;
grant execute on function extensions.audit_drop_problem(), extensions.audit_alter_problem(text) to howdah_migrations;

do $$
begin
  drop event trigger if exists howdah_keep_audit_sql_drop;
  drop event trigger if exists howdah_keep_audit_table_rewrite;
  drop event trigger if exists howdah_keep_audit_ddl_command_end;
  -- Everything that can reach a table, a column, a constraint, a trigger or a function; fixtures drop policies all day.
  create event trigger howdah_keep_audit_sql_drop on sql_drop
    when tag in (
      'ALTER TABLE', 'DROP TABLE', 'DROP TRIGGER', 'DROP FUNCTION', 'DROP ROUTINE', 'DROP SCHEMA', 'DROP OWNED',
      'DROP EXTENSION', 'DROP TYPE', 'DROP DOMAIN', 'DROP SEQUENCE'
    )
    execute function extensions.tg__keep_audit();
  create event trigger howdah_keep_audit_table_rewrite on table_rewrite
    execute function extensions.tg__keep_audit();
  create event trigger howdah_keep_audit_ddl_command_end on ddl_command_end
    when tag in ('ALTER TABLE', 'ALTER TRIGGER', 'ALTER SCHEMA', 'CREATE TRIGGER', 'CREATE RULE')
    execute function extensions.tg__keep_audit();
exception
  when insufficient_privilege then
    raise notice 'No event triggers here: what the owner does to the audit log is noticed, not refused.';
end
$$;

-- The one thing about roles that operators may change in an emergency, without being a superuser: how many sessions a
-- login has and how long a role may work. security definer: it belongs to whoever runs this file; which roles and which
-- settings is fixed here, and it reads nothing that the owner of the database could have replaced.
create or replace function extensions.limit_role(role_name name, setting text, value text)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $limit$
begin
  if not exists (
    select from pg_roles as r
    where r.rolname = limit_role.role_name and not r.rolsuper and r.rolname <> 'howdah_migrations'
      -- Ours, and the logins that people and tools were given with the rights of one of ours.
      and (r.rolname like 'howdah\_%' or r.rolname !~ '^pg_' and exists (
        select from pg_auth_members as m join pg_roles as g on g.oid = m.roleid
        where m.member = r.oid and g.rolname in ('howdah_analytics', 'howdah_readonly', 'howdah_monitoring', 'howdah_backup')
      ))
  ) then
    raise exception using
      errcode = '42704',
      message = format('%I is no role whose limits are yours to change', limit_role.role_name),
      hint = 'Name howdah_authenticator, howdah_user, howdah_anon, howdah_admin, howdah_worker or a login of npm run roles:login.';
  end if;
  if limit_role.setting = 'connection_limit' then
    execute format('alter role %I connection limit %s', limit_role.role_name, coalesce(limit_role.value, '-1')::integer);
    return format('%s: %s', limit_role.role_name, coalesce('at most ' || limit_role.value || ' sessions', 'no limit of its own'));
  end if;
  if limit_role.setting not in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')
    or limit_role.value !~ '^[1-9][0-9]{0,8} ?(ms|s|min|h)$'
  then
    raise exception using
      errcode = '22023',
      message = format('%s = %L is no limit', limit_role.setting, limit_role.value),
      hint = 'Write a number with its unit, such as 500ms, 5s, 2min.';
  end if;
  execute format('alter role %I set %I = %L', limit_role.role_name, limit_role.setting, limit_role.value);
  return format('%s: %s = %s', limit_role.role_name, limit_role.setting, limit_role.value);
end
$limit$;
comment on function extensions.limit_role(name, text, text) is
$$Changes a role's connection limit or one of its timeouts. Called by ops.limit_connections and ops.set_role_timeouts.$$;
revoke all on function extensions.limit_role(name, text, text) from public;
grant execute on function extensions.limit_role(name, text, text) to howdah_migrations;
