"""Which of the two languages of refusals and staff pages a client reads."""

from typing import Literal

Language = Literal["fr", "en"]


def preferred_language(accept_language: str | None) -> Language:
    """Choose French or English by Accept-Language (RFC 9110 §12.5.4); French when in doubt."""
    best: dict[Language, float] = {"fr": 0.0, "en": 0.0}
    for part in (accept_language or "")[:200].split(","):
        tag, _, parameter = part.strip().lower().partition(";")
        quality = _quality(parameter)
        primary = tag.split("-", maxsplit=1)[0].strip()
        if primary == "fr" or tag == "*":
            best["fr"] = max(best["fr"], quality)
        elif primary == "en":
            best["en"] = max(best["en"], quality)
    return "en" if best["en"] > best["fr"] else "fr"


def _quality(parameter: str) -> float:
    """Return the weight ``q=…``, 1 when absent, 0 when unreadable."""
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
