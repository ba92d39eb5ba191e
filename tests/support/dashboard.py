"""The dashboard as tests read it: its tables, and figures that are released for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import urlencode

from sqlalchemy import Engine

from receipt_service.statistics.releasing.release import release
from receipt_service.web.authentication import Role
from tests.support.api import Api
from tests.support.asgi import Answer, AsgiClient
from tests.support.population import METHOD, population, store

VIEWS = ("overview", "basis", "reason", "outcome", "measure", "hour_band", "places", "selection", "delivery", "record")
CROSSED = ("basis*outcome", "reason*outcome", "hour_band*outcome", "selection*outcome", "basis*record")
RELEASED_AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
PERIODS = ("2026-07", "2026-08", "2026-09", "2026-Q3")


def release_figures(engine: Engine, size: int = 3000, periods: Sequence[str] = PERIODS) -> None:
    """Count a made-up population and release it."""
    store(engine, population(7, size))
    for period in periods:
        release(engine, period, method=METHOD, now=RELEASED_AT, clock=lambda: RELEASED_AT)


@dataclass
class Figure:
    """One line of a table as a page has it."""

    values: tuple[str, ...]
    checks: int | None
    cells: list[str] = field(default_factory=list)


@dataclass
class ShownTable:
    """One table with the question that it answers, or the indicator."""

    question: str | None
    indicator: str | None = None
    caption: str = ""
    scopes: list[str | None] = field(default_factory=list)
    rows: list[Figure] = field(default_factory=list)


class Page(HTMLParser):
    """Reads what tests ask of a page: every element with its attributes, and the tables."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[ShownTable] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)

    def having(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every such element."""
        return [attributes for each, attributes in self.elements if each == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self._open.append(tag)
        if tag == "table":
            self.tables.append(ShownTable(attributes.get("data-question"), attributes.get("data-indicator")))
        if tag == "th":
            self.tables[-1].scopes.append(attributes.get("scope"))
        if tag == "tr" and "data-values" in attributes:
            checks = attributes.get("data-checks")
            values = tuple(str(attributes["data-values"]).split("|"))
            self.tables[-1].rows.append(Figure(values, None if checks is None else int(checks)))
        if tag in {"td", "th"} and self.tables[-1].rows:
            self.tables[-1].rows[-1].cells.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.text += data
        if "caption" in self._open:
            self.tables[-1].caption += data
        elif self.tables and self.tables[-1].rows and {"td", "th"} & set(self._open):
            self.tables[-1].rows[-1].cells[-1] += data


def get_page(
    api: Api,
    subject: str | None = "agent-3",
    role: Role = Role.SUPERVISOR,
    *,
    language: str = "en",
    client: AsgiClient | None = None,
    **query: str,
) -> Answer:
    """Ask for the dashboard in a person's name, or in nobody's."""
    headers = {"accept-language": language}
    if subject:
        headers["authorization"] = f"Bearer {api.token(subject, role)}"
    target = f"/supervision?{urlencode(query)}" if query else "/supervision"
    return (client or api.client).request("GET", target, headers=headers)


def shown_page(api: Api, **query: str) -> Page:
    """Ask for a page that there is."""
    answer = get_page(api, **query)
    assert answer.status == 200, answer.body
    return Page(answer.body.decode())
