-- Accounts: the second factor.

alter table core.sessions drop constraint if exists revoked_reason_is_valid;
alter table core.sessions add constraint revoked_reason_is_valid check (revoked_reason in (
  'signed_out', 'signed_out_everywhere', 'ended_by_user', 'refresh_token_reused', 'password_changed', 'password_reset',
  'suspended', 'role_changed', 'ended_by_admin', 'erased', 'second_factor_changed'
));
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'totp_enabled', 'totp_disabled', 'recovery_code_used',
  'recovery_codes_regenerated'
));

-- The secret is kept as it is: the database has to compute codes with it, so a key to it would lie beside it.
create table if not exists private.totp_factors (
  user_id uuid primary key references core.users on delete cascade,
  secret bytea not null constraint secret_is_valid check (octet_length(secret) = 20),
  -- The half minute of the newest code that was taken: neither it nor an earlier one counts again.
  last_step bigint,
  confirmed_at timestamptz,
  created_at timestamptz not null default now()
);

create table if not exists private.recovery_codes (
  user_id uuid not null references core.users on delete cascade,
  code_hash bytea not null constraint code_hash_is_valid check (octet_length(code_hash) = 32),
  created_at timestamptz not null default now(),
  primary key (user_id, code_hash)
);

create table if not exists private.sign_in_challenges (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  secret_hash bytea not null constraint secret_hash_is_valid check (octet_length(secret_hash) = 32),
  -- Where the password's attempt is counted; given back when the second factor is right.
  attempt_bucket bytea not null,
  attempt_count integer not null default 0,
  device_fingerprint text
    constraint device_fingerprint_is_valid check (char_length(device_fingerprint) between 8 and 200),
  device_name text constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint expires_at_is_after_created_at check (expires_at > created_at)
);
create index if not exists sign_in_challenges_user_id_idx on private.sign_in_challenges (user_id);
create index if not exists sign_in_challenges_expires_at_idx on private.sign_in_challenges (expires_at);

--!include index.sql
