"""Signatures of files that people pass on: Ed25519 (RFC 8032) over canonical JSON."""

import base64
from pathlib import Path
from typing import Any

from seodang.core.errors import InputError
from seodang.core.files import storage_errors
from seodang.core.hashing import canonical_json, digest_bytes

ALGORITHM = "ed25519"


def make_key(path: Path) -> str:
    """Writes a new private key (PEM, PKCS #8, readable by its owner alone), and its public half beside it as `.pub`. The public key's
    fingerprint.

    InputError where a file of that name is there: a key is never written over.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.name:
        raise InputError("no name for a key", where=str(path), hint="name a file, such as keys/mine")
    public = path.with_name(f"{path.name}.pub")
    for file in (path, public):
        if file.exists():
            raise InputError("there is a file of this name already", where=str(file), hint="a key is not written over; name another")
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = key.public_key().public_bytes_raw()
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(pem)
        public.write_text(base64.b64encode(told).decode() + "\n", encoding="ascii")
    return fingerprint(told)


def sign(content: Any, key_file: Path) -> dict[str, str]:
    """The signature of a JSON value: algorithm, public key and signature in base64. InputError for a file that holds no Ed25519 private
    key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    hint = "`seodang certify key` makes one"
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"no private key here ({type(error).__name__})", where=str(key_file), hint="`seodang certify key` makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("a key of another kind than Ed25519", where=str(key_file), hint=hint)
    signature = key.sign(canonical_json(content).encode())
    parts = {"public_key": key.public_key().public_bytes_raw(), "signature": signature}
    return {"algorithm": ALGORITHM, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}


def signer(content: Any, signature: dict[str, str]) -> str | None:
    """The fingerprint of the key that signed exactly this content; None where the signature does not hold, or is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        if signature["algorithm"] != ALGORITHM:
            return None
        told, signed = (base64.b64decode(signature[name], validate=True) for name in ("public_key", "signature"))
        Ed25519PublicKey.from_public_bytes(told).verify(signed, canonical_json(content).encode())
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return None
    return fingerprint(told)


def read_public_key(path: Path) -> str:
    """The fingerprint of a `.pub` file. InputError where it holds no public key."""
    try:
        told = base64.b64decode(path.read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError) as error:
        raise InputError("no public key here", where=str(path), hint="name the `.pub` file that stands beside the private key") from error
    if len(told) != 32:
        raise InputError("no public key here", where=str(path), hint="name the `.pub` file that stands beside the private key")
    return fingerprint(told)


def fingerprint(public_key: bytes) -> str:
    """How people compare keys: SHA-256 of the 32 bytes, its first 32 hexadecimal digits."""
    return digest_bytes(public_key)[:32]
