"""``/v1/receipts/pdf``: a receipt as a printable document, without keeping anything of it."""

import asyncio

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.domain.receipt import Receipt
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.json_body import require_json
from receipt_service.web.openapi import json_content
from receipt_service.web.requests import read_receipt_pdf
from receipt_service.web.services import services_of

router = APIRouter(route_class=DirectRoute)

_PDF = "application/pdf"
_MOST_WAITING = 32


async def print_receipt(request: Request, caller: Caller) -> Response:  # noqa: ARG001 - any officer may print
    """Verify that the receipt is ours and answer its PDF."""
    services = services_of(request)
    headers = Headers(scope=request.scope)
    content_type, coding = headers.get("content-type"), headers.get("content-encoding")
    require_json(
        None if content_type is None else content_type.encode("latin-1"),
        None if coding is None else coding.encode("latin-1"),
    )
    given = read_receipt_pdf(await request.body())
    receipt = Receipt.parse(given.receipt)
    # Typesetting takes tens of milliseconds: one at a time, beside the event loop.
    waiting = services.hands.prints
    waiting.take(_MOST_WAITING)
    try:
        async with request.app.state.printing:
            document = await asyncio.to_thread(services.print_receipt, receipt, given.link, given.second_language)
    finally:
        waiting.release()
    return Response(document, 200, {"Content-Disposition": 'attachment; filename="recepisse.pdf"'}, _PDF)


Route(
    method="POST",
    path="/v1/receipts/pdf",
    name="printReceipt",
    tag="receipts",
    summary="A receipt as a PDF",
    description="Takes what `POST /v1/checks` answered and gives it back as an A4 document, for an officer's printer. "
    "Only receipts of this service whose link is their own; nothing is kept.",
    roles=(Role.OFFICER,),
    produces=(_PDF,),
    body={"required": True, "content": json_content("ReceiptPdfIn", {"receipt": example("receipt-pdf-request")})},
    answers={
        200: {
            "description": "The document.",
            "content": {_PDF: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    problems=(
        problems.MALFORMED_REQUEST,
        problems.REQUEST_TIMEOUT,
        problems.BODY_TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.INVALID_CHECK,
        problems.INVALID_RECEIPT,
        problems.INTERNAL_ERROR,
        problems.OVERLOADED,
    ),
).add(router, print_receipt)
