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
    'howdah_analytics', 'howdah_readonly', 'howdah_monitoring', 'howdah_backup'
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
-- Owns graphile_worker's tables, whose RLS has no policies; membership lets our enqueue function add jobs.
grant howdah_worker to howdah_migrations;
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

-- graphile-worker migrates its own schema as howdah_worker; it may not create schemas, so both stand ready.
create schema if not exists graphile_worker authorization howdah_worker;
create table if not exists graphile_worker.migrations (
  id int primary key,
  ts timestamptz default now() not null,
  breaking boolean default false not null
);
alter table graphile_worker.migrations owner to howdah_worker;
