"""The transparency log: committed stubs get their places, and what has a place is published."""
