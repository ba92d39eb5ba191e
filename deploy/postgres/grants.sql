-- What each process may do with each table. Run by the owner after every migration; running it again changes nothing.
-- The split is that of the import contracts, drawn once more where code cannot talk its way round it:
-- the API writes envelopes and cannot read one, the worker reads envelopes and cannot read a stub.
BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker;

GRANT SELECT ON alembic_version TO receipts_api, receipts_worker;

GRANT SELECT ON unit, officer, directory_revision TO receipts_api;
GRANT SELECT, INSERT ON stub, frame, message, idempotency TO receipts_api;
GRANT INSERT ON envelope TO receipts_api;
GRANT SELECT ON attempt TO receipts_api;
GRANT SELECT ON officer_cell TO receipts_api;
GRANT SELECT, INSERT, DELETE ON officer_reading TO receipts_api;    -- the trigger lets nothing younger than three years go
GRANT USAGE ON SEQUENCE officer_reading_id_seq TO receipts_api;

GRANT SELECT, UPDATE ON message TO receipts_worker;
GRANT SELECT, DELETE ON envelope TO receipts_worker;    -- the trigger deletes, and only what is settled
GRANT SELECT, INSERT, UPDATE ON attempt TO receipts_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO receipts_worker;

COMMIT;
