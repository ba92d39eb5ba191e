"""Write docs/indicators.md from the sheet of indicators: ``python docs/write_indicators.py``."""

from pathlib import Path

from receipt_service.statistics.indicator_sheet import NOT_MEASURED, SHEET, Indicator
from receipt_service.statistics.indicators import FEWEST_PLACES, WHY
from receipt_service.statistics.method.intervals import LEAST_DENOMINATOR

PAGE = Path(__file__).parent / "indicators.md"

HEAD = f"""\
# Indicators

Written by `make schemas` from `receipt_service/statistics/texts/indicators.json`; do not edit. Reckoned by
`receipt_service/statistics/indicators.py`.

**{NOT_MEASURED["en"]}**

*{NOT_MEASURED["fr"]}*

Every indicator is reckoned from released figures alone, for an area and a closed period, so it can say no more than the
figures beside it do. *n(…)* is a shown count: of all checks, or of those with a value, as the tables of the lattice
have them.

- A share is given only of {LEAST_DENOMINATOR} checks or more. Its interval holds 95 %: Wilson's for chance, widened
  by the protective noise in numerator and denominator.
- A count's interval holds the noise alone.
- Merged lines ("other values") give no share. Concentration in place needs {FEWEST_PLACES} places that are shown.
- A figure that can't be given says why:
"""


def reasons() -> str:
    """Return the list of reasons for which a figure is not given."""
    return "".join(f"  - `{reason.value}`: {text['en']} *{text['fr']}*\n" for reason, text in WHY.items())


def section(indicator: Indicator) -> str:
    """Return one indicator's section."""
    tables = ", ".join(f"`{table}`" for table in indicator.tables) or "none of the lattice"
    return (
        f"\n## {indicator.label['en']}\n\n`{indicator.code}` ({indicator.kind.value}). *{indicator.label['fr']}*\n\n"
        f"- **Is**: {indicator.definition['en']} *{indicator.definition['fr']}*\n"
        f"- **Formula**: {indicator.formula}. Tables: {tables}.\n"
        f"- **Source**: {indicator.source}.\n"
        f"- **Cannot show**: {indicator.cannot_show['en']} *{indicator.cannot_show['fr']}*\n"
    )


def page() -> str:
    """Return docs/indicators.md as it should be."""
    return HEAD + reasons() + "".join(map(section, SHEET))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
