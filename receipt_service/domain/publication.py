"""The form of a published folder of open data: what the step that makes it and the verifier that reads it agree on."""

import re
from typing import Final

ALG: Final = "ES256"
TYP: Final = "open-data-manifest+jwt"
"""Another type than a receipt's, so that neither can be taken for the other."""
MANIFEST: Final = "manifest.json"
SIGNED_MANIFEST: Final = "manifest.jws"
"""A JWT whose payload is ``manifest.json``, byte for byte."""
QUARTER: Final = re.compile(r"(?P<year>20[0-9]{2})-Q(?P<quarter>[1-4])")
"""A period of publication, as in the lattice."""
FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
