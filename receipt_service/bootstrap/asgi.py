"""What uvicorn's own worker processes call: they share nothing with their parent but the environment."""

from fastapi import FastAPI

from receipt_service import telemetry
from receipt_service.bootstrap import memory
from receipt_service.bootstrap.application import build_application
from receipt_service.config.loading import load
from receipt_service.config.processes import ApiSettings


def api() -> FastAPI:
    """Build the API of one process from the environment."""
    telemetry.forbid_core_dumps()
    settings = load(ApiSettings)
    telemetry.configure("api", level=settings.log_level)
    app = build_application(settings)
    memory.settle()
    return app
