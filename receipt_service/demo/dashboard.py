"""Something to see on the dashboard of a demonstration: made-up checks, counted and released before it starts."""

from datetime import UTC, datetime

from receipt_service.bootstrap.law import load_law
from receipt_service.bootstrap.made_up_checks import count_made_up_checks
from receipt_service.config.loading import load
from receipt_service.config.parts import StatisticsSettings
from receipt_service.demo.made_up import made_up_facts, released_months
from receipt_service.demo.stage import Stage
from receipt_service.demo.stops.roster import read_roster


def release_made_up_checks(stage: Stage) -> str:
    """Count made-up checks of the last quarter and release its figures; give what the command said.

    The database and the key are named here, so that no variable of the shell leads to others.
    """
    now = datetime.now(UTC)
    facts = made_up_facts(load_law(), read_roster(stage.directory).officers, released_months(now))
    settings = load(
        StatisticsSettings,
        demo=True,
        data_folder=stage.service_folder,
        database_url=f"sqlite:///{stage.database}",
        statistics_key_folder=stage.service_folder / "keys" / "statistics",
    )
    count_made_up_checks(settings, facts, now)
    return stage.processes.run("statistics", "release", "--due")
