-- core/identities: on whose word alone an address counts as confirmed. Null once a mail of ours has arrived there.
alter table core.users add column if not exists email_vouched_by text;
--!include index.sql
