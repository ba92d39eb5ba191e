"""``receipt-service worker``: the delivery worker."""

import click

from receipt_service import telemetry
from receipt_service.bootstrap import event_loop
from receipt_service.bootstrap.worker_process import run_worker
from receipt_service.config.loading import load
from receipt_service.config.processes import WorkerSettings


@click.command()
def worker() -> None:
    """Run the delivery worker: opens envelopes and sends them, never signs."""
    settings = load(WorkerSettings)
    telemetry.forbid_core_dumps()
    telemetry.configure("worker", level=settings.log_level)
    event_loop.run(run_worker(settings))
