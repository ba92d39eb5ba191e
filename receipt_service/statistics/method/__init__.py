"""The statistical method: numbers in, numbers out. No storage, no settings, no clock."""
