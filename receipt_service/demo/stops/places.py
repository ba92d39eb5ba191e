"""Where a London stop happens in France: a map laid over Paris and its inner suburbs, always the same.

The centre of London falls on the centre of Paris and distances are halved, so that what is near in the
source stays near: busy areas stay busy areas. The stop goes to the commune whose centre is nearest.
Records from elsewhere in England and Wales are spread over the same communes by their grid cell.
Coordinates of the communes are rounded town centres, good to a few hundred metres: enough to sort
stops, not to be used for anything else.
"""

import hashlib
import math
import re
from functools import lru_cache
from typing import Final

_LONDON: Final = (51.5074, -0.1278)
_PARIS: Final = (48.8566, 2.3522)
_SCALE: Final = 0.5
_REACH: Final = (0.26, 0.46)
"""Half height and half width, in degrees, of the part of England that the map covers."""
_CELL: Final = 50
"""Grid cells per degree outside the map: about 2 km."""

_COMMUNES: Final = {
    "75101": (48.8626, 2.3363), "75102": (48.8679, 2.3441), "75103": (48.8630, 2.3600), "75104": (48.8543, 2.3576),
    "75105": (48.8445, 2.3507), "75106": (48.8491, 2.3329), "75107": (48.8562, 2.3122), "75108": (48.8727, 2.3126),
    "75109": (48.8771, 2.3374), "75110": (48.8761, 2.3607), "75111": (48.8590, 2.3801), "75112": (48.8400, 2.3950),
    "75113": (48.8283, 2.3623), "75114": (48.8292, 2.3266), "75115": (48.8401, 2.2928), "75116": (48.8604, 2.2619),
    "75117": (48.8873, 2.3068), "75118": (48.8926, 2.3482), "75119": (48.8871, 2.3848), "75120": (48.8635, 2.4012),
    "92002": (48.753, 2.297), "92004": (48.911, 2.285), "92007": (48.797, 2.313), "92012": (48.836, 2.241),
    "92023": (48.800, 2.263), "92024": (48.904, 2.306), "92025": (48.922, 2.252), "92026": (48.898, 2.256),
    "92036": (48.926, 2.294), "92040": (48.823, 2.270), "92044": (48.895, 2.287), "92046": (48.817, 2.297),
    "92049": (48.817, 2.319), "92050": (48.892, 2.207), "92051": (48.885, 2.269), "92062": (48.884, 2.238),
    "92063": (48.877, 2.174), "92071": (48.778, 2.290), "92073": (48.870, 2.229), "93001": (48.913, 2.383),
    "93005": (48.938, 2.494), "93006": (48.869, 2.418), "93007": (48.939, 2.461), "93008": (48.909, 2.440),
    "93010": (48.902, 2.482), "93014": (48.910, 2.548), "93027": (48.928, 2.396), "93029": (48.926, 2.446),
    "93031": (48.955, 2.309), "93048": (48.862, 2.443), "93051": (48.848, 2.553), "93053": (48.891, 2.453),
    "93055": (48.894, 2.411), "93064": (48.873, 2.486), "93066": (48.936, 2.357), "93070": (48.911, 2.334),
    "93071": (48.940, 2.529), "93072": (48.950, 2.382), "93078": (48.963, 2.541), "94002": (48.805, 2.420),
    "94017": (48.817, 2.515), "94018": (48.822, 2.413), "94022": (48.763, 2.409), "94028": (48.790, 2.455),
    "94033": (48.850, 2.475), "94038": (48.779, 2.338), "94041": (48.813, 2.385), "94043": (48.810, 2.358),
    "94046": (48.802, 2.438), "94052": (48.837, 2.482), "94054": (48.744, 2.401), "94068": (48.800, 2.489),
    "94073": (48.765, 2.389), "94076": (48.793, 2.359), "94080": (48.847, 2.439), "94081": (48.788, 2.394),
}  # fmt: skip

COMMUNES: Final = tuple(_COMMUNES)
"""INSEE codes of the communes that stops are placed in."""

_KINDS: Final = {
    "Airport/Airfield": "Abords d'un aérodrome",
    "Bus/Coach Station": "Abords d'une gare routière",
    "Conference/Exhibition Centre": "Abords d'un centre d'exposition",
    "Ferry Terminal": "Abords d'une gare fluviale",
    "Further/Higher Educational Building": "Abords d'un établissement d'enseignement supérieur",
    "Hospital": "Abords d'un hôpital",
    "Motorway Service Area": "Abords d'une aire de service",
    "Nightclub": "Abords d'une discothèque",
    "Park/Open Space": "Abords d'un parc public",
    "Parking Area": "Abords d'un parc de stationnement",
    "Pedestrian Subway": "Abords d'un passage souterrain",
    "Petrol Station": "Abords d'une station-service",
    "Police Station": "Abords d'un commissariat",
    "Prison": "Abords d'un établissement pénitentiaire",
    "Race Track/Circuit": "Abords d'un circuit automobile",
    "Shopping Area": "Abords d'une zone commerçante",
    "Sports/Recreation Area": "Abords d'un terrain de sport",
    "Supermarket": "Abords d'un supermarché",
    "Theatre/Concert Hall": "Abords d'une salle de spectacle",
}
_NEAR: Final = "On or near "
_SERVICE_ROUTE: Final = re.compile(r"Service Route No (\d+)")
"""A road without a name. As it stands, its number reads like that of a house in French."""


@lru_cache(maxsize=16_384)
def commune_of(latitude: float, longitude: float) -> str:
    """Give the INSEE code of the commune in which a point of England or Wales is placed; always the same one."""
    north, east = latitude - _LONDON[0], longitude - _LONDON[1]
    if abs(north) > _REACH[0] or abs(east) > _REACH[1]:
        cell = f"{round(latitude * _CELL)}/{round(longitude * _CELL)}".encode()
        return COMMUNES[int.from_bytes(hashlib.sha256(cell).digest()[:4]) % len(COMMUNES)]
    point = (_PARIS[0] + north * _SCALE, _PARIS[1] + east * _SCALE)
    shrink = math.cos(math.radians(_PARIS[0]))
    return min(_COMMUNES, key=lambda code: _distance(point, _COMMUNES[code], shrink))


def public_place(street: str | None) -> str:
    """Put the place into words for ``On or near …``; an empty text stays empty, for the service to refuse.

    ``None`` (a file without streets) gives the public way alone.
    """
    if street is None:
        return "Voie publique"
    name = street.removeprefix(_NEAR).strip()
    if not name or name == "No Location":
        return ""
    if route := _SERVICE_ROUTE.fullmatch(name):
        return f"Desserte {route[1]}"
    return _KINDS.get(name, name)


def _distance(one: tuple[float, float], other: tuple[float, float], shrink: float) -> float:
    """Give the square of a flat distance: right for sorting within one town."""
    return (one[0] - other[0]) ** 2 + ((one[1] - other[1]) * shrink) ** 2
