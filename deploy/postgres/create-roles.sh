#!/bin/bash
# Runs once, when the database is created: one role for each process, and Keycloak's own database.
# Tables are made by the owner (receipt-service migrate); what the others may do with them is in grants.sql.
set -euo pipefail

secret() { cat "${SECRETS_FOLDER:-/run/secrets}/$1"; }

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner="$(secret owner_database_password)" --set api="$(secret api_database_password)" \
    --set worker="$(secret worker_database_password)" \
    --set statistics="$(secret statistics_database_password)" --set log="$(secret log_database_password)" \
    --set keycloak="$(secret keycloak_database_password)" <<'SQL'
CREATE ROLE receipts_owner LOGIN PASSWORD :'owner';
CREATE ROLE receipts_api LOGIN PASSWORD :'api';
CREATE ROLE receipts_worker LOGIN PASSWORD :'worker';
CREATE ROLE receipts_statistics LOGIN PASSWORD :'statistics';
CREATE ROLE receipts_log LOGIN PASSWORD :'log';
CREATE ROLE keycloak LOGIN PASSWORD :'keycloak';
REVOKE ALL ON DATABASE receipts FROM PUBLIC;
GRANT CONNECT ON DATABASE receipts TO receipts_owner, receipts_api, receipts_worker, receipts_statistics, receipts_log;
ALTER SCHEMA public OWNER TO receipts_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO receipts_api, receipts_worker, receipts_statistics, receipts_log;
CREATE DATABASE keycloak OWNER keycloak;
REVOKE ALL ON DATABASE keycloak FROM PUBLIC;
SQL
