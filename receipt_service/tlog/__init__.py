"""The transparency log's formats (C2SP), pure: docs/log-format.md."""
