"""`anxu up`, `anxu down`, `anxu status`: a county's processes, all at once."""

from typing import Annotated

import typer

from pipelines.console import console
from pipelines.options import HOME, Home, county

STARTS_WITHIN_S = 300.0
ENDS_WITHIN_S = 120.0


def up(
    home: Home = HOME,
    behind: Annotated[bool, typer.Option("--behind", help="start, wait until all is well, return")] = False,
) -> None:
    """Run Prefect server, schedule, service and MLflow page on this machine until Ctrl-C or `anxu down`."""
    from pipelines.operations.logs import write_logs
    from pipelines.operations.state import AlreadyUp
    from pipelines.operations.up import PortsTaken, free_ports, logs_dir, parts_of, run_up, start_behind

    settings = county(home)
    write_logs(settings.log_format)
    try:
        if not behind:
            console.print(f"starting; logs in {logs_dir(home)}. Ctrl-C or `anxu down` ends all")
            run_up(settings)
            return
        free_ports(settings)
        well = start_behind(settings, within_s=STARTS_WITHIN_S)
    except (AlreadyUp, PortsTaken) as error:
        typer.echo(f"anxu: {error}", err=True)
        raise typer.Exit(1) from error
    for part in parts_of(settings):
        console.print(f"{part.name}  {part.address}")
    if not well:
        console.print(f"[red]not all is well[/]: see `anxu status --home {home}` and {logs_dir(home)}")
        raise typer.Exit(1)


def down(home: Home = HOME) -> None:
    """End what `anxu up` started, also what a crash left behind."""
    from pipelines.operations.state import bring_down

    was_up = bring_down(county(home).home, within_s=ENDS_WITHIN_S)
    console.print("all ended" if was_up else "nothing was up")


def status(home: Home = HOME) -> None:
    """Say what of `anxu up` runs; exit 0 when all is well."""
    from pipelines.operations.state import read_state

    state = read_state(county(home).home)
    if state is None:
        console.print(f"not up: anxu up --home {home}")
        raise typer.Exit(1)
    if not state.running:
        console.print(f"[red]the supervisor ended without stopping its parts[/]: anxu down --home {home}")
    for part in state.parts:
        again = f", restarted {part.restarts} times ({part.detail})" if part.restarts else ""
        console.print(f"{part.name:<10} {part.state:<9} pid {part.pid or '–'} {part.address}{again}")
    if not state.running or any(part.state != "well" for part in state.parts):
        raise typer.Exit(1)
