-- What only a superuser can do: roles, schemas of extensions, database-wide defaults.
-- Runs once in every new database (and in graphile-migrate's shadow); safe to repeat.
-- Roles belong to the whole cluster, so they are created only if missing and never get a password here.

do $$
declare
  v_role text;
begin
  -- One advisory lock: two databases made at the same time must not both create the roles.
  perform pg_advisory_xact_lock(hashtextextended('howdah:roles', 0));
  foreach v_role in array array[
    'howdah_migrations', 'howdah_authenticator', 'howdah_worker',
    'howdah_anon', 'howdah_user', 'howdah_admin',
    'howdah_analytics', 'howdah_readonly', 'howdah_backup'
  ] loop
    if not exists (select from pg_roles where rolname = v_role) then
      execute format('create role %I nologin', v_role);
    end if;
  end loop;

  alter role howdah_migrations login nosuperuser nobypassrls;
  alter role howdah_authenticator login noinherit nosuperuser nobypassrls;
  alter role howdah_worker login nosuperuser nobypassrls;

  -- PostgREST applies the settings of the role it becomes to each request.
  alter role howdah_anon set statement_timeout = '3s';
  alter role howdah_user set statement_timeout = '5s';
  alter role howdah_admin set statement_timeout = '30s';
  alter role howdah_worker set statement_timeout = '5min';
  alter role howdah_anon set lock_timeout = '2s';
  alter role howdah_user set lock_timeout = '2s';
  alter role howdah_authenticator set idle_in_transaction_session_timeout = '30s';

  -- Operators type `select * from schema_migrations` without a schema.
  alter role howdah_migrations set search_path = ops, gdpr;
end
$$;

grant howdah_anon, howdah_user, howdah_admin to howdah_authenticator;
-- Owns graphile_worker's tables, whose RLS has no policies; membership lets our enqueue function add jobs.
grant howdah_worker to howdah_migrations;
-- The monitoring looks at what other sessions do.
grant pg_read_all_stats to howdah_migrations;
-- ops.act_as() turns an operator's session into a user's.
grant howdah_user, howdah_admin to howdah_migrations;

alter database :DATABASE_NAME owner to howdah_migrations;
revoke all on database :DATABASE_NAME from public;
grant connect on database :DATABASE_NAME to
  howdah_authenticator, howdah_worker, howdah_analytics, howdah_readonly, howdah_backup;
revoke all on schema public from public;

-- Only this global form works; with "in schema" the revoke would do nothing.
alter default privileges for role howdah_migrations revoke execute on functions from public;

create schema if not exists extensions;
grant usage on schema extensions to howdah_migrations, howdah_worker;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists pg_trgm with schema extensions;
-- Counts queries where the server preloads it; where it does not, the monitoring says so.
create extension if not exists pg_stat_statements with schema extensions;

-- graphile-worker migrates its own schema as howdah_worker; it may not create schemas, so both stand ready.
create schema if not exists graphile_worker authorization howdah_worker;
create table if not exists graphile_worker.migrations (
  id int primary key,
  ts timestamptz default now() not null,
  breaking boolean default false not null
);
alter table graphile_worker.migrations owner to howdah_worker;
