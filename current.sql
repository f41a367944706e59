-- gdpr: holds
create table if not exists gdpr.legal_holds (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  reason text not null,
  placed_at timestamptz not null default core.now(),
  released_at timestamptz,
  updated_at timestamptz not null default now(),
  constraint reason_is_valid check (char_length(reason) between 1 and 500)
);
create index if not exists legal_holds_user_id_idx on gdpr.legal_holds (user_id);
create unique index if not exists legal_holds_open_idx on gdpr.legal_holds (user_id) where released_at is null;

-- gdpr: requests
create table if not exists gdpr.subject_requests (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null,
  received_at timestamptz not null default core.now(),
  due_at timestamptz not null,
  closed_at timestamptz,
  outcome text,
  updated_at timestamptz not null default now(),
  constraint kind_is_valid
    check (kind in ('access', 'portability', 'erasure', 'rectification', 'restriction', 'objection')),
  constraint outcome_is_valid check (outcome in ('fulfilled', 'withdrawn', 'refused')),
  constraint closed_has_outcome check ((closed_at is null) = (outcome is null))
);
create index if not exists subject_requests_user_id_idx on gdpr.subject_requests (user_id);
create index if not exists subject_requests_due_at_idx on gdpr.subject_requests (due_at) where closed_at is null;
create unique index if not exists subject_requests_open_idx on gdpr.subject_requests (user_id, kind) where closed_at is null;

-- gdpr: proof
create table if not exists gdpr.erasure_ledger (
  id uuid primary key default core.new_id(),
  user_id uuid not null,
  erased_at timestamptz not null default core.now(),
  state text not null default 'erased',
  copied_at timestamptz,
  verified_at timestamptz,
  proof jsonb,
  signature text,
  signing_key text,
  -- No foreign key: the ledger also knows accounts that a restored backup does not.
  constraint erasure_ledger_user_id_key unique (user_id),
  constraint state_is_valid check (state in ('erased', 'verified', 'failed')),
  constraint signature_names_its_key check ((signature is null) = (signing_key is null))
);
create index if not exists erasure_ledger_open_idx on gdpr.erasure_ledger (erased_at) where state <> 'verified' or copied_at is null;
-- Unlogged: what is searched for is in no WAL, no base backup and on no replica.
create unlogged table if not exists private.erasure_words (
  erasure_id uuid not null references gdpr.erasure_ledger (id) on delete cascade,
  word text not null,
  origin text not null,
  is_identity boolean not null,
  constraint erasure_words_pkey primary key (erasure_id, word)
);
-- ops/backups: what the instance knows of its backups
create table if not exists ops.backups (
  name text not null constraint backups_pkey primary key constraint name_is_short check (length(name) between 1 and 200),
  kind text not null constraint kind_is_valid check (kind in ('base', 'external')),
  created_at timestamptz not null,
  size_bytes bigint constraint size_bytes_is_not_negative check (size_bytes >= 0),
  verified_at timestamptz,
  problem text,
  removed_at timestamptz
);
comment on table ops.backups is $$Backups of this instance, those that are gone included.$$;
comment on column ops.backups.name is $$Folder or file.$$;
comment on column ops.backups.kind is $$base: made by npm run backup:create; external: by another program.$$;
comment on column ops.backups.created_at is $$When it was begun.$$;
comment on column ops.backups.size_bytes is $$Bytes of its files.$$;
comment on column ops.backups.verified_at is $$When a restore of it was last tried.$$;
comment on column ops.backups.problem is $$What is wrong with it; null: nothing is known.$$;
comment on column ops.backups.removed_at is $$When it was found to be gone.$$;

--!include index.sql
