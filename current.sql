-- Accounts: the second factor, outside identities, the help desk, common passwords.

-- It takes the address too.
drop function if exists private.require_password(text);

alter table core.users drop constraint if exists role_is_valid;
alter table core.users add constraint role_is_valid check (role in ('user', 'support', 'admin'));

-- In small letters; seeds/reference/core.sql fills it.
create table if not exists private.common_passwords (password text primary key);

alter table core.sessions drop constraint if exists revoked_reason_is_valid;
alter table core.sessions add constraint revoked_reason_is_valid check (revoked_reason in (
  'signed_out', 'signed_out_everywhere', 'ended_by_user', 'refresh_token_reused', 'password_changed', 'password_reset',
  'suspended', 'role_changed', 'ended_by_admin', 'erased', 'second_factor_changed',
  'identity_unlinked'
));
alter table core.mails drop constraint if exists kind_is_valid;
alter table core.mails add constraint kind_is_valid check (kind in (
  'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed', 'change_email',
  'email_change_requested', 'email_changed', 'new_device', 'totp_enabled', 'totp_disabled', 'recovery_code_used',
  'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked'
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

create table if not exists core.identity_issuers (
  -- As its tokens write iss, to the letter.
  issuer text primary key constraint issuer_is_valid check (char_length(issuer) between 1 and 500),
  audiences text[] not null constraint audiences_is_valid check (cardinality(audiences) between 1 and 20),
  -- Keys over plain http could be anybody's; loopback is for tests.
  jwks_url text not null constraint jwks_url_is_valid check (
    jwks_url ~ '^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?)/\S*$'
    and octet_length(jwks_url) <= 2000
  ),
  is_email_trusted boolean not null default true,
  is_active boolean not null default true,
  next_fetch_at timestamptz not null default now(),
  attempted_at timestamptz,
  fetched_at timestamptz,
  last_error text constraint last_error_is_valid check (char_length(last_error) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists core.identity_keys (
  issuer text not null references core.identity_issuers on delete cascade,
  kid text not null constraint kid_is_valid check (char_length(kid) between 1 and 200),
  algorithm text not null constraint algorithm_is_valid check (algorithm in ('RS256')),
  modulus bytea not null constraint modulus_is_valid check (octet_length(modulus) between 256 and 512),
  created_at timestamptz not null default now(),
  primary key (issuer, kid)
);

create table if not exists core.identities (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  issuer text not null references core.identity_issuers on delete restrict,
  subject text not null constraint subject_is_valid check (char_length(subject) between 1 and 255),
  -- What the issuer said when it was linked; nothing is ever found or mailed by it.
  email text constraint email_is_valid check (core.is_email(email)),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (issuer, subject)
);
create index if not exists identities_user_id_idx on core.identities (user_id);

create table if not exists private.used_identity_tokens (
  token_hash bytea primary key constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  used_at timestamptz not null
);
create index if not exists used_identity_tokens_used_at_idx on private.used_identity_tokens (used_at);

--!include index.sql
