"""What people do with models: go back to the one before, take one by hand, look at what there is."""

from datetime import date

import polars as pl

from pipelines.registry import (
    CHALLENGER,
    CHAMPION,
    MODEL,
    PREVIOUS,
    RegistryError,
    Version,
    _alias,
    _client,
    metrics,
    versions,
)
from settings import Settings

SHOWN = ("wql", "naive_wql", "wape", "bias", "coverage_80")


def rollback(settings: Settings) -> Version:
    """Make the champion's predecessor champion again, and the champion the challenger; returns the new champion.

    The version that was champion is held: no night promotes it or another version of its recipe, so its next refit does not
    bring it back unseen; `promote` ends that. There is one step back; further ones are taken with `promote`.

    Raises:
        RegistryError: No earlier champion is known.
    """
    before, now = _alias(settings, PREVIOUS), _alias(settings, CHAMPION)
    if before is None or now is None:
        raise RegistryError(
            "there is no earlier champion to go back to; `anxu model list` shows the versions, `anxu model promote NAME` takes one"
        )
    client = _client(settings)
    client.set_model_version_tag(MODEL, str(now), "anxu.held", "true")
    client.set_registered_model_alias(MODEL, CHALLENGER, str(now))
    client.set_registered_model_alias(MODEL, CHAMPION, str(before))
    client.delete_registered_model_alias(MODEL, PREVIOUS)
    return _named(settings, f"{MODEL}-{before}")


def promote(settings: Settings, name: str) -> Version:
    """Make a version champion by hand, whatever its verdict was; returns it. Twice equals once.

    The champion before it becomes `previous`. Holds of the version's recipe end: its refits are promoted by nights again.

    Raises:
        RegistryError: There is no such version, or its files are gone.
    """
    version = _named(settings, name)
    version.files()
    client, now = _client(settings), _alias(settings, CHAMPION)
    for other in versions(settings, cutoff=date.max):
        if other.held and other.recipe == version.recipe:
            client.set_model_version_tag(MODEL, str(other.number), "anxu.held", "false")
    for tag in ("promote", "settled"):
        client.set_model_version_tag(MODEL, str(version.number), f"anxu.{tag}", "true")
    if now is not None and now != version.number:
        client.set_registered_model_alias(MODEL, PREVIOUS, str(now))
    client.set_registered_model_alias(MODEL, CHAMPION, str(version.number))
    if _alias(settings, CHALLENGER) == version.number:
        client.delete_registered_model_alias(MODEL, CHALLENGER)
    return _named(settings, name)


def is_held(settings: Settings, recipe: str) -> bool:
    """Whether a version of this recipe was rolled back and none of it promoted by hand since."""
    return any(v.held and v.recipe == recipe for v in versions(settings, cutoff=date.max))


def listed(settings: Settings) -> pl.DataFrame:
    """Every version, newest number first: `version`, `role` (its aliases, 'held'; '' for none), `cutoff`, `recipe`, the backtest's
    SHOWN metrics (null where not logged), `reason`."""
    aliases = {alias: _alias(settings, alias) for alias in (CHAMPION, PREVIOUS, CHALLENGER)}
    rows = []
    for version in sorted(versions(settings, cutoff=date.max), key=lambda v: -v.number):
        roles = [alias for alias, number in aliases.items() if number == version.number]
        role = ", ".join([*roles, *(["held"] if version.held else [])])
        logged = metrics(settings, version)
        rows.append(
            [
                version.name,
                role,
                version.cutoff,
                version.recipe,
                *(logged.get(n) for n in SHOWN),
                version.reason,
            ]
        )
    schema = {"version": pl.String, "role": pl.String, "cutoff": pl.Date, "recipe": pl.String}
    figures = dict.fromkeys(SHOWN, pl.Float64)
    return pl.DataFrame(rows, schema={**schema, **figures, "reason": pl.String}, orient="row")


def _named(settings: Settings, name: str) -> Version:
    there = versions(settings, cutoff=date.max)
    for version in there:
        if version.name == name:
            return version
    known = ", ".join(v.name for v in there[-5:]) or "none"
    raise RegistryError(f"there is no model '{name}'; the newest are {known}; see `anxu model list`")
