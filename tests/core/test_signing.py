"""Signatures: the vectors of RFC 8032, and that nothing changed passes."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from seodang.core.errors import InputError
from seodang.core.hashing import canonical_json
from seodang.core.signing import make_key, read_public_key, sign, signer

# RFC 8032, section 7.1, test 2: secret key, public key, signature of the one byte 0x72.
SECRET = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
PUBLIC = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
SIGNED = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"


def write_key(path: Path, key: Ed25519PrivateKey) -> Path:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem)
    return path


def test_the_vector_of_the_rfc_holds_in_the_library_and_its_key_in_ours(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SECRET))
    assert key.sign(b"\x72").hex() == SIGNED
    assert key.public_key().public_bytes_raw().hex() == PUBLIC
    signature = sign({"b": [1, 2.5], "a": "서당"}, write_key(tmp_path / "key", key))
    assert base64.b64decode(signature["public_key"]).hex() == PUBLIC
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(PUBLIC)).verify(
        base64.b64decode(signature["signature"]), canonical_json({"a": "서당", "b": [1, 2.5]}).encode()
    )


def test_what_was_signed_names_its_signer_and_nothing_changed_does(tmp_path: Path) -> None:
    key = tmp_path / "keys" / "key"
    told = make_key(key)
    content = {"status": "PASS", "value": 1.5}
    signature = sign(content, key)
    assert signer(content, signature) == told == read_public_key(tmp_path / "keys" / "key.pub")
    assert signer({"value": 1.5, "status": "PASS"}, signature) == told, "the order of keys is not content"
    assert signer({**content, "value": 1.6}, signature) is None
    assert signer({**content, "more": None}, signature) is None
    for part in ("signature", "public_key"):
        raw = bytearray(base64.b64decode(signature[part]))
        raw[3] ^= 1
        assert signer(content, {**signature, part: base64.b64encode(raw).decode()}) is None
        assert signer(content, {**signature, part: "no base64"}) is None
        assert signer(content, {name: text for name, text in signature.items() if name != part}) is None
    assert signer(content, {**signature, "algorithm": "none"}) is None
    make_key(tmp_path / "other")
    assert signer(content, {**signature, "public_key": sign(content, tmp_path / "other")["public_key"]}) is None


def test_a_key_is_its_owners_alone_and_is_not_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(InputError, match="already"):
        make_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key", encoding="ascii")
    for path in (tmp_path / "text", tmp_path / "missing"):
        with pytest.raises(InputError, match="no private key"):
            sign({}, path)
        with pytest.raises(InputError, match="no public key"):
            read_public_key(path)


def test_a_key_without_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="no name for a key"):
        make_key(Path())
