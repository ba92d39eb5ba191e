"""Loaded by Schemathesis (SCHEMATHESIS_HOOKS): makes the examples of the document checks of an hour ago.

An example names a fixed day; sent as it stands it would be refused as too old, and nothing behind it be reached.
"""

import schemathesis

from receipt_service.web.example_files import example
from tests.support.checks_of_now import check_body

EXAMPLE = example("check-request")


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict) and case.body.get("legal_bases") == EXAMPLE["legal_bases"]:
        fresh = check_body()
        case.body["legal_bases"] = fresh["legal_bases"]
        if case.body.get("checked_at") == EXAMPLE["checked_at"]:
            case.body["checked_at"] = fresh["checked_at"]
