"""The audit: stubs, leaves and checkpoints held against each other, by whoever need not trust the service."""
