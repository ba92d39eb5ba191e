"""Releasing put together: the perturbation from its settings, and the periods that are due."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from receipt_service.bootstrap.memory import settle
from receipt_service.bootstrap.outbox import opened_outbox
from receipt_service.config.parts import ReleaseSettings
from receipt_service.errors import ConfigurationError
from receipt_service.statistics.method.cell_key import THRESHOLD, InseePerturbation, OnsPerturbation
from receipt_service.statistics.method.p_table import Noise, perturbation_table
from receipt_service.statistics.releasing import release as releasing
from receipt_service.statistics.releasing.release import Method, Released

Progress = Callable[[int, int], None]


def build_method(settings: ReleaseSettings) -> Method:
    """Make the perturbation. Raises ``ConfigurationError`` for parameters that give none."""
    if settings.statistics_ons_table is not None:
        return _ons_method(settings.statistics_ons_table)
    noise = Noise(
        deviation=settings.statistics_deviation_checks,
        variance=settings.statistics_variance_checks,
        forbidden=THRESHOLD - 1,
    )
    named = json.dumps(["insee", noise.deviation, noise.variance, noise.forbidden]).encode()
    return Method(
        noise=InseePerturbation(perturbation_table(noise)),
        variance=noise.variance,
        digest=hashlib.sha256(named).hexdigest(),
    )


def _ons_method(path: Path) -> Method:
    """Read the ONS's form of table; the variance that counts is the least that any row has over its cell keys.

    A table that only rounds has none: the same count always gives the same, whatever the cell key, and the release
    refuses it.
    """
    try:
        content = path.read_bytes()
        lines = list(csv.DictReader(content.decode("utf-8").splitlines()))
        rows, keys, deviations = ([int(line[name]) for line in lines] for name in ("pcv", "ckey", "pvalue"))
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError):
        raise ConfigurationError(f"{path}: not a table of pcv, ckey and pvalue") from None
    noise = OnsPerturbation(rows, keys, deviations)
    by_row = np.zeros((max(rows) + 1, max(keys) + 1))
    by_row[rows, keys] = deviations
    return Method(
        noise=noise,
        variance=float(by_row[THRESHOLD:].var(axis=1).min()) if max(rows) >= THRESHOLD else 0.0,
        digest=hashlib.sha256(b"ons\n" + content).hexdigest(),
    )


def release_period(settings: ReleaseSettings, period: str, progress: Progress) -> Released:
    """Release one period; raises what ``statistics.releasing.release.release`` does."""
    method = build_method(settings)
    settle()
    with opened_outbox(settings) as engine:
        return releasing.release(engine, period, method=method, now=_now(), clock=_now, progress=progress)


def release_due(settings: ReleaseSettings, progress: Callable[[str], Progress]) -> Iterator[Released]:
    """Release every period that is closed and has checks, months before quarters before years."""
    method = build_method(settings)
    settle()
    with opened_outbox(settings) as engine:
        for period in releasing.due(engine, _now()):
            yield releasing.release(engine, period, method=method, now=_now(), clock=_now, progress=progress(period))


def _now() -> datetime:
    return datetime.now(UTC)
