"""Keys of made-up logs and witnesses, the same in every run."""

from hashlib import sha256

from receipt_service.crypto.note_signing import Ed25519Signer, MlDsa44Signer
from receipt_service.tlog.checkpoint import sign_checkpoint
from receipt_service.tlog.note import SignatureType, VerifierKey


class LogKey:
    """A private key with its name and type; the seed is the hash of both."""

    def __init__(self, name, signature_type):
        self.seed = sha256(f"{name} {signature_type:d}".encode()).digest()
        post_quantum = signature_type is SignatureType.COSIGNATURE_ML_DSA_44
        self.signer = MlDsa44Signer(self.seed) if post_quantum else Ed25519Signer(self.seed)
        self.key = VerifierKey(name, signature_type, self.signer.public_key)
        self.vkey = self.key.vkey
        self.signing = self.signer.sign

    def sign(self, checkpoint, time=0):
        return sign_checkpoint(checkpoint, self.key, self.signing, time)
