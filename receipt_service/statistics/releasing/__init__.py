"""A closed period is released: what may be shown of each area is chosen, audited and written, once."""
