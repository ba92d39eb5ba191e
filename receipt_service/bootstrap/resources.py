"""Where the files of ``schemas/`` are: in the repository, or packed into the installed package."""

from pathlib import Path

from receipt_service.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent.parent


def schema_path(*parts: str) -> Path:
    """Find a file below ``schemas/``, e.g. ``schema_path("catalogue", "communes-2026.json")``.

    The repository's copy comes first, so that an editable installation follows the working tree. Raises
    ``ConfigurationError`` where the file is in neither place.
    """
    for root in (_PACKAGE.parent / "schemas", _PACKAGE / "_schemas"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise ConfigurationError(f"schemas/{'/'.join(parts)} is not part of this installation")


def read_schema(*parts: str) -> bytes:
    """Read a file below ``schemas/``. Raises ``ConfigurationError`` where it can't be read."""
    path = schema_path(*parts)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
