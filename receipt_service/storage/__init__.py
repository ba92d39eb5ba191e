"""The tables: one module for each, its rows and its queries. Storage holds ciphertext that it cannot read."""
