"""The composition root: reads settings, keys and files, and puts the parts together."""
