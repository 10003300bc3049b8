"""`anxu model …`: which demand models there are, which one forecasts, and how to go back."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.table import Table

from pipelines.console import console
from pipelines.options import HOME, Home, county

model_app = typer.Typer(
    help="List demand models, go back to the one before, or take one by hand.", no_args_is_help=True
)


@model_app.command("list")
def model_list(home: Home = HOME) -> None:
    """List versions, newest first, with their backtest beside seasonal naive's, their role and why they have it."""
    from pipelines.registry_moves import SHOWN, listed

    found = listed(county(home))
    if found.is_empty():
        console.print("no model was trained yet: anxu nightly trains one when there is enough history")
        return
    table = Table()
    for column in ("version", "role", "cutoff", "recipe"):
        table.add_column(column, no_wrap=True)
    for column in SHOWN:
        table.add_column(column, justify="right")
    table.add_column("why")
    for row in found.iter_rows(named=True):
        figures = ("–" if row[name] is None else f"{row[name]:.3f}" for name in SHOWN)
        table.add_row(
            row["version"], row["role"], str(row["cutoff"]), row["recipe"][:8], *figures, row["reason"]
        )
    console.print(table)


@contextmanager
def told() -> Iterator[None]:
    """What the user can mend is said in a line and ends with 1."""
    from pipelines.registry import RegistryError

    try:
        yield
    except RegistryError as error:
        typer.echo(f"anxu: {error}", err=True)
        raise typer.Exit(1) from error


@model_app.command("rollback")
def model_rollback(home: Home = HOME) -> None:
    """Forecast with the champion's predecessor again, from the next night on; its successor's recipe is held."""
    from pipelines.registry_moves import rollback

    with told():
        version = rollback(county(home))
    console.print(
        f"{version.name} of {version.cutoff} forecasts from the next night on; refits of the recipe rolled back stay "
        f"challengers until `anxu model promote NAME`. Next: anxu nightly --home {home}"
    )


@model_app.command("promote")
def model_promote(name: str, home: Home = HOME) -> None:
    """Forecast with this version from the next night on, whatever its verdict; ends the hold on its recipe."""
    from pipelines.registry_moves import promote

    with told():
        version = promote(county(home), name)
    console.print(f"{version.name} of {version.cutoff} forecasts from the next night on")
