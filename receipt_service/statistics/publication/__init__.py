"""The public file: counted once a quarter, made private by noise, signed, and frozen."""
