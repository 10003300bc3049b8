"""`anxu release …`, `anxu backup`, `anxu restore`: what is kept and which published night is served."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import console
from pipelines.county import init_county
from pipelines.options import HOME, Home, county
from settings import Settings
from warehouse import upkeep
from warehouse.release import current, list_releases, prune, use

release_app = typer.Typer(help="List, choose and prune published releases.", no_args_is_help=True)


@release_app.command("list")
def release_list(home: Home = HOME) -> None:
    """List releases, newest first; the current one is marked."""
    folder = Settings(home=home).releases_dir
    now = current(folder)
    found = list_releases(folder)
    if not found:
        console.print("nothing is published yet: anxu nightly")
    for name in found:
        console.print(f"{'→' if name == now else ' '} {name}")


@release_app.command("use")
def release_use(name: str, home: Home = HOME) -> None:
    """Point the service to a release; it is served within 5 s."""
    use(Settings(home=home).releases_dir, name)


@release_app.command("prune")
def release_prune(keep: int = 14, home: Home = HOME) -> None:
    """Remove all but the newest releases; the current one stays."""
    console.print(f"removed: {prune(Settings(home=home).releases_dir, keep=keep)}")


def backup(
    to: Annotated[Path | None, typer.Argument(help="folder; default backups/ in the county")] = None,
    home: Home = HOME,
) -> None:
    """Copy warehouse, inbox, current release, models and settings (never the secret key)."""
    console.print(f"written: {upkeep.backup(county(home), to or county(home).backups_dir)}")


def restore(
    source: Annotated[Path, typer.Argument(help="a folder written by backup")],
    home: Home = HOME,
    overwrite: Annotated[bool, typer.Option(help="lose what the county folder holds")] = False,
) -> None:
    """Bring a backup back into an empty county folder."""
    upkeep.restore(Settings(home=home), source, overwrite=overwrite)
    init_county(home)
    console.print(f"{home} holds the backup {source}. Next: anxu doctor --home {home}")
    if not Settings(home=home).key_path.exists():
        console.print(
            "the key of the buyer hashes is in no backup: copy secret.key by hand, or repeat buyers count as new"
        )
