-- What each process may do with each table. Run by the owner after every migration; running it again changes nothing.
-- The split is that of the import contracts, drawn once more where code cannot talk its way round it:
-- the API writes envelopes and cannot read one, the worker reads envelopes and cannot read a stub.
BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker;

GRANT SELECT ON alembic_version TO receipts_api, receipts_worker;

GRANT SELECT ON unit, officer, directory_revision TO receipts_api;
GRANT SELECT, INSERT ON stub, idempotency TO receipts_api;
GRANT INSERT ON message TO receipts_api;
GRANT SELECT (id, stub_id, channel, state, epoch, created_at, due_at, leased_until, expires_at, settled_at, last_code)
    ON message TO receipts_api;    -- every column but the envelope
GRANT SELECT ON attempt TO receipts_api;

GRANT SELECT, UPDATE ON message TO receipts_worker;
GRANT SELECT, INSERT, UPDATE ON attempt TO receipts_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO receipts_worker;

COMMIT;
