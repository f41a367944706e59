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
