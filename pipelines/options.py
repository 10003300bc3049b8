"""Options that commands share, and what they are turned into."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.county import parse_day
from settings import Settings

Home = Annotated[Path, typer.Option("--home", envvar="ANXU_HOME", help="the county folder")]
HOME = Path("county")


def day_of(text: str) -> date:
    """A day given on the command line."""
    try:
        return parse_day(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def county(home: Path) -> Settings:
    """Settings of an existing county folder, or exit 2 with the way out."""
    if not home.exists():
        typer.echo(
            f"no county folder at '{home}': make one with `anxu init {home}`, or name it with --home",
            err=True,
        )
        raise typer.Exit(2)
    return Settings(home=home)
