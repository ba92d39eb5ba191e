"""The witness: a small program, run by somebody else than the log, that cosigns only trees that grow."""
