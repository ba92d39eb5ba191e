"""Bodies of ``POST /v1/checks`` that are valid now."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from receipt_service.web.example_files import example


def check_body(**changed: Any) -> dict[str, Any]:
    """A valid body, of an hour ago; ``changed`` replaces members of it."""
    body: dict[str, Any] = copy.deepcopy(example("check-request"))
    now = datetime.now(UTC).replace(microsecond=0)
    body["checked_at"] = (now - timedelta(hours=1)).isoformat()
    requisition = body["legal_bases"][0]["requisition"]
    requisition["signed_at"] = (now - timedelta(days=1)).isoformat()
    requisition["starts_at"] = (now - timedelta(hours=3)).isoformat()
    requisition["ends_at"] = (now + timedelta(hours=3)).isoformat()
    return {**body, **changed}
