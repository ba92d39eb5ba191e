"""The form of a signed list of files: what the steps that hand files over and the verifier that reads them agree on.

``manifest.json`` names each file with its size and SHA-256; ``manifest.jws`` is a JWT whose payload is
``manifest.json``, byte for byte. Its type tells what the files are, and that it is no receipt.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

from receipt_service.domain.canonical import base64url, to_json

ALG: Final = "ES256"
MANIFEST: Final = "manifest.json"
SIGNED_MANIFEST: Final = "manifest.jws"
FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class SigningKey(Protocol):
    """A key of the service that signs now; the composition root passes it in."""

    @property
    def kid(self) -> str:
        """The key's id."""

    def sign(self, message: bytes) -> bytes:
        """Return an ES256 signature, 64 bytes."""


def list_files(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Describe files as a manifest names them."""
    return [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]


def sign_manifest(manifest: bytes, typ: str, key: SigningKey) -> bytes:
    """Write the exact bytes of a manifest as a JWS in compact form (RFC 7515 §3.1), with a line end."""
    signed = f"{base64url(to_json({'alg': ALG, 'kid': key.kid, 'typ': typ}))}.{base64url(manifest)}"
    return f"{signed}.{base64url(key.sign(signed.encode('ascii')))}\n".encode("ascii")
