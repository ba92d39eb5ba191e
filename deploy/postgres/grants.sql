-- What each process may do with each table. Run by the owner after every migration; running it again changes nothing.
-- The split is that of the import contracts, drawn once more where code cannot talk its way round it:
-- the API writes envelopes and cannot read one, the worker reads envelopes and cannot read a stub, statistics read stubs
-- and of a message nothing but its way, and the log reads stubs and gives each its place.
BEGIN;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker, receipts_statistics, receipts_log;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, receipts_api, receipts_worker, receipts_statistics, receipts_log;

GRANT SELECT ON alembic_version TO receipts_api, receipts_worker, receipts_statistics, receipts_log;

GRANT SELECT ON unit, officer, directory_revision TO receipts_api;
GRANT SELECT, INSERT ON stub, frame, message, idempotency, correction TO receipts_api;
GRANT INSERT ON withdrawn_stub TO receipts_api;
GRANT INSERT ON envelope TO receipts_api;
GRANT INSERT ON fold_queue TO receipts_api;
GRANT INSERT ON log_queue TO receipts_api;
GRANT USAGE ON SEQUENCE fold_queue_id_seq, log_queue_id_seq TO receipts_api;
GRANT SELECT ON log_entry, log_anchor TO receipts_api;    -- for proofs
GRANT SELECT ON whole_stub, log_tree, log_queue, deletion, deletion_stub TO receipts_api;    -- for audits
GRANT SELECT, INSERT ON daily_closing TO receipts_api;
GRANT SELECT, INSERT, DELETE ON audit_reading TO receipts_api;    -- the trigger lets nothing younger than three years go
GRANT USAGE ON SEQUENCE audit_reading_id_seq TO receipts_api;
GRANT SELECT ON attempt TO receipts_api;
GRANT SELECT ON officer_cell, release, released_cell TO receipts_api;
GRANT SELECT, INSERT, DELETE ON officer_reading TO receipts_api;    -- the trigger lets nothing younger than three years go
GRANT USAGE ON SEQUENCE officer_reading_id_seq TO receipts_api;

GRANT SELECT, UPDATE ON message TO receipts_worker;
GRANT SELECT, DELETE ON envelope TO receipts_worker;    -- the trigger deletes, and only what is settled
GRANT SELECT, INSERT, UPDATE ON attempt TO receipts_worker;
GRANT INSERT ON fold_queue TO receipts_worker;    -- by the trigger that tells when a message has come to rest
GRANT USAGE ON SEQUENCE attempt_id_seq, fold_queue_id_seq TO receipts_worker;
GRANT SELECT (entry_index, leaf_key) ON log_entry TO receipts_worker;    -- for the proof in a mail: no stub
GRANT SELECT ON log_anchor TO receipts_worker;

GRANT SELECT ON whole_stub, withdrawn_stub, unit, directory_revision TO receipts_statistics;
GRANT SELECT (id, committed_at) ON stub TO receipts_statistics;
GRANT SELECT ON deletion TO receipts_statistics;    -- what was deleted can't be counted anew
GRANT SELECT (id, stub_id, channel, state, created_at, delivered_at) ON message TO receipts_statistics;
GRANT SELECT, DELETE ON fold_queue TO receipts_statistics;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON rollup_cell, officer_cell TO receipts_statistics;
GRANT SELECT, INSERT, DELETE ON rollup_unit TO receipts_statistics;
GRANT SELECT, UPDATE ON rollup_state TO receipts_statistics;
GRANT SELECT, INSERT, UPDATE ON publication TO receipts_statistics;    -- triggers: completed once, never deleted
GRANT SELECT, INSERT, UPDATE, DELETE ON release, released_cell TO receipts_statistics;    -- triggers: what stands is frozen

GRANT SELECT ON whole_stub TO receipts_log;
GRANT SELECT (id, committed_at) ON stub TO receipts_log;
GRANT SELECT, DELETE ON log_queue TO receipts_log;
GRANT SELECT, INSERT ON log_entry, log_anchor TO receipts_log;
GRANT SELECT, UPDATE ON log_tree TO receipts_log;    -- triggers: it grows and is never cut

-- `retention run` and `migrate` are the owner's: nobody else changes a stub, and the trigger lets even the owner change
-- only what a deletion names.

COMMIT;
