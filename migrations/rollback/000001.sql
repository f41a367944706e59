-- Undoes 000001: everything that is ours goes, with all its data. Roles and extensions stay (after_reset.sql).
drop schema if exists api, briefing, gdpr, ops, private, core cascade;
