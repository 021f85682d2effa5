"""Big values, kept once by what they are: object bodies, function code, layers.

They live beside the journal in files named by their SHA-256, written before the record that refers
to them. A value that has been packed before is known by identity and not hashed again.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

_BIG = 8192  # bytes
Known = dict[int, tuple[bytes, str]]


class Blobs:
    """A folder of values by digest; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)

    def pack(self, value: Any, known: Known) -> tuple[bytes, Known]:
        """Pickle a value with its big parts outside; also tell them, to be known the next time."""
        buffer, outside = io.BytesIO(), Known()
        _Pickler(buffer, self, known, outside).dump(value)
        return buffer.getvalue(), outside

    def unpack(self, data: bytes) -> Any:
        """The value that was packed. Raises FileNotFoundError when a big part is missing."""
        return _Unpickler(io.BytesIO(data), self._folder).load()

    def put(self, value: bytes) -> str:
        """Keep a value; return its digest."""
        digest = hashlib.sha256(value).hexdigest()
        path = self._folder / digest
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_bytes(value)
            partial.replace(path)
        return digest

    def keep_only(self, digests: set[str]) -> None:
        """Remove every other value."""
        for path in self._folder.iterdir():
            if path.name not in digests:
                path.unlink()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, blobs: Blobs, known: Known, outside: Known) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._blobs, self._known, self._outside = blobs, known, outside

    def reducer_override(self, value: Any) -> Any:
        """A private key of KMS is kept as its DER encoding, a part of an object as its bytes."""
        if isinstance(value, memoryview):
            return memoryview, (bytes(value),)
        if not isinstance(value, RSAPrivateKey | EllipticCurvePrivateKey):
            return NotImplemented
        form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return _private_key, (value.private_bytes(*form),)

    def persistent_id(self, value: Any) -> str | None:
        if type(value) is not bytes or len(value) < _BIG:
            return None
        held = self._outside.get(id(value)) or self._known.get(id(value))
        if held is None:
            held = (value, self._blobs.put(value))
        self._outside[id(value)] = held
        return held[1]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, folder: Path) -> None:
        super().__init__(file)
        self._folder = folder

    def persistent_load(self, pid: Any) -> bytes:
        return (self._folder / str(pid)).read_bytes()


def _private_key(der: bytes) -> Any:
    return load_der_private_key(der, None)
