"""``/v1/checks``: register a check, and ask how its messages stand."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from receipt_service.domain.receipt_number import ReceiptNumber, parse_receipt_number
from receipt_service.errors import InvalidCheck, MalformedReceipt, NotFound
from receipt_service.issuance.abreast import others_come_this_far
from receipt_service.issuance.submission import Submission
from receipt_service.web import problems
from receipt_service.web.access import DirectRoute, Route
from receipt_service.web.authentication import Caller, Role
from receipt_service.web.example_files import example
from receipt_service.web.fields import idempotency_key
from receipt_service.web.json_body import read_body, require_json
from receipt_service.web.openapi import json_content
from receipt_service.web.requests import read_check
from receipt_service.web.responses import check_state_response, issued_response
from receipt_service.web.services import Services, services_of
from receipt_service.web.shape_faults import fault

router = APIRouter(route_class=DirectRoute)

NUMBER_PARAMETER: Final[dict[str, Any]] = {
    "name": "receipt_number",
    "in": "path",
    "required": True,
    "description": "As printed on the receipt; lower case and hyphens are understood.",
    "schema": {"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
    "example": "3G4CTVCZ8W3H1QPFZJ7KX5M2RA",
}
KEY_PARAMETER: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A random UUID (version 4) in double quotes, new for each check. Repeat a request with the same "
    "key and the same body until it is answered: the answer is the same and nothing is registered twice.",
    "schema": {
        "type": "string",
        "pattern": '^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$',
    },
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}


def number_in_path(request: Request) -> ReceiptNumber:
    """Read the receipt number of the path. Raises NotFound: what is no number names nothing."""
    try:
        return parse_receipt_number(request.path_params["receipt_number"])
    except MalformedReceipt:
        raise NotFound("not a receipt number") from None


async def body_and_key(request: Request) -> tuple[bytes, str]:
    """Take the JSON body and the Idempotency-Key of a request that registers something. Raises ``Refused``."""
    headers = request.scope["headers"]
    sent = dict(reversed(headers))  # the first of each name counts
    require_json(sent.get(b"content-type"), sent.get(b"content-encoding"))
    key = idempotency_key([value for name, value in headers if name == b"idempotency-key"])
    return await read_body(request), key


async def register_check(request: Request, caller: Caller) -> Response:
    """Register a check and answer with its receipt."""
    services = services_of(request)
    body, key = await body_and_key(request)
    await others_come_this_far()
    now = services.clock()
    check_request, person, recipient = read_check(body, now)
    require_offered(services, sms=recipient.sms is not None, email=recipient.email is not None)
    hand = services.hands.checks
    hand.take(services.issuance_queue_limit)
    try:
        issued = await services.issue(
            Submission(
                subject=caller.subject,
                idempotency_key=key,
                request=check_request,
                person=person,
                recipient=recipient,
            ),
            now,
        )
    finally:
        hand.release()
    await others_come_this_far()
    return issued_response(issued, recipient, services)


def require_offered(services: Services, *, sms: bool, email: bool, within: str = "") -> None:
    """Refuse a channel that no worker of this installation serves: nobody would ever send it.

    ``within`` is the JSON Pointer of the check in the body.
    """
    asked = ((f"{within}/recipient/sms", "sms", sms), (f"{within}/recipient/email", "email", email))
    missing = [path for path, channel, wanted in asked if wanted and channel not in services.channels]
    if missing:
        raise InvalidCheck(tuple(fault(path, "channel_not_offered") for path in missing))


async def read_check_state(request: Request, caller: Caller) -> Response:
    """Answer how a check's messages stand."""
    services = services_of(request)
    report = await services.reads.check(
        number_in_path(request),
        reader=await services.officer(caller.subject),
        supervises=Role.SUPERVISOR in caller.roles,
    )
    return check_state_response(report)


Route(
    method="POST",
    path="/v1/checks",
    name="registerCheck",
    tag="checks",
    summary="Register a check and get its receipt",
    description="Validates the check against the legal-basis catalogue, signs its receipt, stores the stub and the "
    "sealed messages in one durable transaction, and answers with the receipt. The officer's number, rank and service "
    "come from the token and the directory, never from the body.",
    roles=(Role.OFFICER,),
    parameters=(KEY_PARAMETER,),
    body={
        "required": True,
        "content": json_content(
            "CheckRequestIn",
            {"requisition": example("check-request"), "declined": example("check-request-declined")},
        ),
    },
    answers={
        201: {
            "description": "Registered: the receipt, to show or print. The messages leave from the delivery worker.",
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "Where the delivery state is."},
                "Idempotency-Replayed": {
                    "schema": {"type": "string", "const": "true"},
                    "description": "Present when an earlier request with this key had registered the check.",
                },
            },
            "content": json_content("IssuedOut", {"registered": example("check-issued")}),
            "links": {
                name: {"operationId": name, "parameters": {"receipt_number": "$response.body#/receipt_number"}}
                for name in ("readCheckState", "readStub")
            },
        }
    },
    problems=(
        problems.MALFORMED_REQUEST,
        problems.IDEMPOTENCY_KEY_MISSING,
        problems.IDEMPOTENCY_KEY_INVALID,
        problems.OFFICER_UNKNOWN,
        problems.REQUEST_TIMEOUT,
        problems.IDEMPOTENCY_IN_PROGRESS,
        problems.REPLAY_WINDOW_CLOSED,
        problems.BODY_TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.INVALID_CHECK,
        problems.IDEMPOTENCY_CONFLICT,
        problems.INTERNAL_ERROR,
        problems.UNAVAILABLE,
        problems.OVERLOADED,
    ),
).add(router, register_check)

Route(
    method="GET",
    path="/v1/checks/{receipt_number}",
    name="readCheckState",
    tag="checks",
    summary="How the messages of a check stand",
    description="For the officer who registered the check, and for supervisors of its unit or of one above it; to "
    "anyone else the check does not exist.",
    roles=(Role.OFFICER, Role.SUPERVISOR),
    parameters=(NUMBER_PARAMETER,),
    answers={
        200: {
            "description": "State of each message.",
            "content": json_content("CheckStateOut", {"delivered": example("check-state")}),
        }
    },
    problems=(problems.OFFICER_UNKNOWN, problems.NOT_FOUND, problems.INTERNAL_ERROR, problems.UNAVAILABLE),
).add(router, read_check_state)
