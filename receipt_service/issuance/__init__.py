"""From a check request to a registered check: stub, sealed messages and idempotency record in one commit."""
