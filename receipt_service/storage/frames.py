"""Frames: what the stubs of one day have in common, kept once.

A leaf differs from the next one in its digests and its signature alone; the text around them (algorithm and key,
issuer, type, day), and the version of the catalogue in the first disclosure, would stand in every stub with some 330
bytes. They are cut out by searching for characters and come back by joining strings, so that what was signed comes
back to the byte, whatever it looks like: nothing is parsed and written again.

A frame is named by the SHA-256 of its text: every process finds the same name without asking, and offers the frame to
the database along with the stubs that need it. Rows are never changed.
"""

from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, SQLModel

_BEFORE = '"_sd":["'
_AFTER = '"]'
_CATALOGUE = ',"legal_basis",{"catalogue":{'
_SALT = len('["') + 22 + len('"')
"""Characters of the first disclosure before the catalogue's; the view ``whole_stub`` counts them too."""
_ID_BYTES = 16


class FrameRow(SQLModel, table=True):
    """The text before and after the digests of a leaf, and the text after the first salt of the disclosures.

    ``tail`` ends with the line feed before the signature.
    """

    __tablename__ = "frame"
    __table_args__ = ({"sqlite_with_rowid": False},)

    id: bytes = Field(sa_column=Column(LargeBinary(_ID_BYTES), primary_key=True))
    head: str = Field(sa_column=Column(Text, nullable=False))
    tail: str = Field(sa_column=Column(Text, nullable=False))
    catalogue: str = Field(sa_column=Column(Text, nullable=False))


class Frame(NamedTuple):
    """A frame and its name: the first 128 bits of the SHA-256 of its three texts, and of where each ends."""

    id: bytes
    head: str
    tail: str
    catalogue: str


class Cut(NamedTuple):
    """A stub's texts without what its frame holds."""

    frame: Frame
    digests: str
    signature: str
    disclosures: str


def cut(leaf: str, disclosures: str) -> Cut:
    """Take leaf and disclosures, as ``storage.stubs`` packs them, apart; ``join`` gives them back exactly.

    What doesn't look like a receipt of ours is not cut, or cut elsewhere, and comes back all the same.
    """
    document, feed, signature = leaf.rpartition("\n")
    head, mark, rest = document.partition(_BEFORE)
    digests, end, tail = rest.partition(_AFTER)
    catalogue = ""
    if disclosures.startswith(_CATALOGUE, _SALT):
        catalogue = disclosures[_SALT : disclosures.find("}", _SALT) + 1]
        disclosures = disclosures[:_SALT] + disclosures[_SALT + len(catalogue) :]
    return Cut(_frame_of(head + mark, end + tail + feed, catalogue), digests, signature, disclosures)


def join(part: Cut) -> tuple[str, str]:
    """Give back leaf and disclosures as ``cut`` took them."""
    frame = part.frame
    whole = part.disclosures[:_SALT] + frame.catalogue + part.disclosures[_SALT:]
    return frame.head + part.digests + frame.tail + part.signature, whole


@lru_cache(maxsize=64)
def _frame_of(head: str, tail: str, catalogue: str) -> Frame:
    digest = sha256(f"{len(head)} {len(tail)} {head}{tail}{catalogue}".encode()).digest()
    return Frame(digest[:_ID_BYTES], head, tail, catalogue)
