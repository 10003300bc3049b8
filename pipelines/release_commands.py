"""`anxu release …`: which published night the service reads."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import console
from settings import Settings
from warehouse.release import current, list_releases, prune, use

release_app = typer.Typer(help="List, choose and prune published releases.", no_args_is_help=True)

Home = Annotated[Path, typer.Option("--home", envvar="ANXU_HOME", help="the county folder")]
HOME = Path("county")


@release_app.command("list")
def release_list(home: Home = HOME) -> None:
    """List releases, newest first; the current one is marked."""
    folder = Settings(home=home).releases_dir
    now = current(folder)
    for name in list_releases(folder):
        console.print(f"{'→' if name == now else ' '} {name}")


@release_app.command("use")
def release_use(name: str, home: Home = HOME) -> None:
    """Point the service to a release; it is served within 5 s."""
    use(Settings(home=home).releases_dir, name)


@release_app.command("prune")
def release_prune(keep: int = 14, home: Home = HOME) -> None:
    """Remove all but the newest releases; the current one stays."""
    console.print(f"removed: {prune(Settings(home=home).releases_dir, keep=keep)}")
