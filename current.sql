-- core/audit: verification from a seal, dropped months, noted restores
drop function if exists ops.verify_audit(jsonb);
--!include index.sql
