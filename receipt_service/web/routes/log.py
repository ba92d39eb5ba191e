"""``/log/``: the transparency log as static files (C2SP tlog-tiles), and proofs by leaf hash. For everybody.

A tile never changes, so whoever has it need not ask again; the checkpoint is new within a second.
"""

import re
from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.errors import NotFound
from receipt_service.web import problems
from receipt_service.web.access import PUBLIC, DirectRoute, Route
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_TEXT: Final = "text/plain; charset=utf-8"
_OPEN: Final[Mapping[str, str]] = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
"""Verification pages of others may load them."""
_FOREVER: Final[Mapping[str, str]] = {**_OPEN, "Cache-Control": "public, max-age=31536000, immutable"}
_FRESH: Final[Mapping[str, str]] = {**_OPEN, "Cache-Control": "public, max-age=1"}
_EXAMPLE: Final = (
    "c2sp.org/tlog-proof@v1\nindex 2\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nrecepisse.example/log\n3\n"
    "cc8O/RYRC6EqztCmpuxfepv21tTy3eYXyOSbPNiSItA=\n\n— recepisse.example/log b7UcLiGRnjoY…\n"
)
_LEAF_HASH: Final = re.compile(r"[0-9a-f]{64}")


def log_router() -> APIRouter:
    """Return the router of the log's files."""
    files = APIRouter(include_in_schema=False, route_class=DirectRoute)
    _file.roles = PUBLIC  # type: ignore[attr-defined]  # public, for tests/architecture
    files.add_api_route("/log/{path:path}", _file, methods=["GET"], response_class=Response)
    return files


async def _file(request: Request) -> Response:
    """Answer a tile, an entry bundle, a checkpoint or the policy."""
    path = request.path_params["path"]
    content = await services_of(request).log.file(path)
    if content is None:
        raise NotFound("no such file of the log")
    if path.startswith("tile/"):
        return Response(content, headers=_FOREVER, media_type="application/octet-stream")
    return Response(content, headers=_FRESH, media_type=_TEXT)


async def read_proof(request: Request) -> Response:
    """Answer the proof of the entry that has this leaf hash."""
    leaf_hash = request.path_params["leaf_hash"]
    if _LEAF_HASH.fullmatch(leaf_hash) is None:
        raise NotFound("not a leaf hash")
    proof = await services_of(request).log.proof(bytes.fromhex(leaf_hash))
    return Response(proof, headers=_FRESH, media_type=_TEXT)


Route(
    method="GET",
    path="/v1/log/proofs/{leaf_hash}",
    name="readLogProof",
    tag="log",
    summary="Proof that an attestation is in the transparency log",
    description="A C2SP tlog-proof file: the entry's index, the inclusion proof, and the signed checkpoint with its "
    "cosignatures; as extra data the checkpoint that was kept before it, which a receipt may name. It needs nobody "
    "to be checked, and no token to be asked for: the leaf is public. 404 means that no published checkpoint covers "
    "such an entry: of an attestation made this second, not yet; of an old one, never.",
    roles=PUBLIC,
    parameters=(
        {
            "name": "leaf_hash",
            "in": "path",
            "required": True,
            "description": "Hexadecimal SHA-256 of a zero byte and the leaf's exact characters (RFC 6962 §2.1).",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "example": "4f" * 32,
        },
    ),
    answers={
        200: {
            "description": "The proof file.",
            "content": {
                _TEXT: {
                    "schema": {"type": "string", "pattern": "^c2sp\\.org/tlog-proof@v1\\n"},
                    "examples": {"shortened": {"value": _EXAMPLE}},
                }
            },
        },
    },
    problems=(problems.NOT_FOUND, problems.INTERNAL_ERROR, problems.UNAVAILABLE),
    produces=("text/plain",),
).add(router, read_proof)
