"""From a buyer's name to a keyed hash; the name goes no further."""

import hmac

import polars as pl

KEY_BYTES = 16
_MASKED = r"\*|^##|^\$\$"


def buyer_keys(buyers: pl.Series, platform: str, secret: bytes) -> pl.Series:
    """HMAC-SHA256 of platform and buyer, its first 16 bytes as hex; null for no buyer and for masked names.

    Raises:
        ValueError: There are buyers and no secret.
    """
    named = buyers.set(buyers.str.contains(_MASKED).fill_null(value=False), None)
    unique = named.drop_nulls().unique()
    if unique.is_empty():
        return pl.repeat(None, len(buyers), dtype=pl.String, eager=True)
    if not secret:
        raise ValueError("no secret for buyer hashes: give the context one (settings.key_path)")
    keys = [
        hmac.digest(secret, f"{platform}\0{buyer}".encode(), "sha256")[:KEY_BYTES].hex() for buyer in unique
    ]
    return named.replace_strict(unique, pl.Series(keys, dtype=pl.String), default=None)
