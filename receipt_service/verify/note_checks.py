"""How each type of signature on a note is checked: where ``tlog``, which knows the types, meets ``crypto``."""

from types import MappingProxyType
from typing import Final

from receipt_service.crypto.note_verification import ed25519_holds, ml_dsa_44_holds
from receipt_service.tlog.note import Checks, SignatureType

NOTE_CHECKS: Final[Checks] = MappingProxyType(
    {
        SignatureType.ED25519: ed25519_holds,
        SignatureType.COSIGNATURE_ED25519: ed25519_holds,
        SignatureType.COSIGNATURE_ML_DSA_44: ml_dsa_44_holds,
    }
)
