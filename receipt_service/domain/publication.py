"""What tells a published folder of open data: the type of its signed manifest, and the periods it can be about."""

import re
from typing import Final

TYP: Final = "open-data-manifest+jwt"
"""Another type than a receipt's, so that neither can be taken for the other."""
QUARTER: Final = re.compile(r"(?P<year>20[0-9]{2})-Q(?P<quarter>[1-4])")
"""A period of publication, as in the lattice."""
