"""The county's secret for buyer hashes: made once, kept outside the warehouse, readable by its owner only."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def buyer_secret(path: Path) -> bytes:
    """The secret in `path`; made with mode 0600 on first need.

    Raises:
        ValueError: The file holds something else; with another secret known buyers would look new.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) != SECRET_BYTES:
            raise ValueError(
                f"{path} holds {len(secret)} bytes, not {SECRET_BYTES}: put back the file from the backup"
            ) from None
        return secret
    with os.fdopen(handle, "wb") as stream:
        secret = secrets.token_bytes(SECRET_BYTES)
        stream.write(secret)
        stream.flush()
        os.fsync(stream.fileno())
    return secret
