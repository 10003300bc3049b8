"""The command line: the front door of Anxu 按需."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.keeping import backup, release_app, restore
from pipelines.messages.commands import messages_app
from pipelines.model_commands import model_app
from pipelines.operations import commands as operations
from pipelines.options import HOME, Home, county, day_of
from serving.access_commands import key_app, user_app
from settings import Settings

app = typer.Typer(
    help="Anxu 按需: from orders and field readings to forecasts and planting plans.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(release_app, name="release")
app.add_typer(model_app, name="model")
app.add_typer(key_app, name="key")
app.add_typer(user_app, name="user")
app.add_typer(messages_app, name="messages")
app.command()(backup)
app.command()(restore)
app.command()(operations.up)
app.command()(operations.down)
app.command()(operations.status)

Size = Annotated[Literal["tiny", "demo", "county"], typer.Option(help="of the sample county")]


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="the new county folder")]) -> None:
    """Make a county folder: settings, watched inbox, empty warehouse."""
    from pipelines.console import console
    from pipelines.county import init_county

    is_there = folder.exists() and any(folder.iterdir())
    settings = init_county(folder)
    console.print(
        f"{folder} is {'there already and left as it is' if is_there else 'ready'}. Next: anxu load FILES… --home {folder} --history"
    )
    console.print(f"or put files into {settings.inbox_dir} and run: anxu nightly --home {folder}")


@app.command("load")
def load_command(
    paths: Annotated[list[Path], typer.Argument(help="files or folders")],
    home: Home = HOME,
    shop: Annotated[str | None, typer.Option(help="shop the order files belong to")] = None,
    history: Annotated[
        bool, typer.Option(help="first load: facts count as known when they happened")
    ] = False,
    check: Annotated[bool, typer.Option(help="say what would happen and change nothing")] = False,
) -> None:
    """Take in order, field, weather and table files; each is recognised by its content."""
    from pipelines.ingest import LOAD_MEMORY_MB, load
    from pipelines.load_report import show
    from warehouse import Warehouse

    settings = county(home)
    with Warehouse.open(
        settings.warehouse_path, zone=settings.timezone, memory_mb=LOAD_MEMORY_MB
    ) as warehouse:
        report = load(
            settings,
            warehouse,
            paths,
            shop=shop,
            history=history,
            check=check,
            now=datetime.now(UTC),
        )
    show(report)
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="where the deliveries and the truth are written")],
    size: Size = "demo",
    seed: int = 1,
) -> None:
    """Write a made-up county's deliveries as real file formats, and apart from them the truth."""
    from pipelines.console import console
    from pipelines.sample import write_sample

    console.print(str(write_sample(size, seed, folder)))


@app.command()
def demo(
    home: Home = HOME,
    size: Size = "demo",
    seed: int = 1,
    serve: Annotated[bool, typer.Option(help="serve API and page afterwards")] = False,
) -> None:
    """Write a sample county, take its files in, run the night, show the result."""
    from pipelines.console import Bars
    from pipelines.demo import prepare_demo
    from pipelines.progress import listening
    from pipelines.run import flow_night, show_result

    with Bars() as bars, listening(bars):
        settings, cutoff, now = prepare_demo(home, size=size, seed=seed)
        flow_night(home, cutoff, now)
    show_result(settings, cutoff)
    if serve:
        serve_county(settings)


@app.command()
def nightly(
    home: Home = HOME,
    cutoff: Annotated[
        str | None, typer.Option(help="last day whose sales are known; default yesterday")
    ] = None,
) -> None:
    """Run one night: ingest, check, features, train if due, forecast, plan, score, publish."""
    from pipelines.console import Bars
    from pipelines.progress import listening
    from pipelines.run import flow_night, show_result

    settings = county(home)
    day = day_of(cutoff) if cutoff else (datetime.now(settings.zone) - timedelta(days=1)).date()
    with Bars() as bars, listening(bars):
        flow_night(home, day, None)
    show_result(settings, day)


@app.command()
def hourly(home: Home = HOME) -> None:
    """Compare today's orders and fields with the night's word; re-plan the cutting where they left it."""
    from pipelines.hour import run_hour

    typer.echo(run_hour(county(home), now=datetime.now(UTC)))


@app.command()
def backfill(
    first: Annotated[str, typer.Argument(metavar="FROM", help="first cutoff, YYYY-MM-DD")],
    last: Annotated[str, typer.Argument(metavar="TO", help="last cutoff, YYYY-MM-DD")],
    home: Home = HOME,
) -> None:
    """Run the same nightly flow for each day of a range, each with what was known then."""
    from pipelines.console import console
    from pipelines.run import flow_night, show_result

    settings = county(home)
    day, end = day_of(first), day_of(last)
    if day > end:
        raise typer.BadParameter(f"FROM {day} is after TO {end}: swap them")
    while day <= end:
        flow_night(home, day, None)
        console.print(f"{day} done")
        day += timedelta(days=1)
    show_result(settings, end)


@app.command()
def watch(
    home: Home = HOME, every: Annotated[float, typer.Option(help="seconds between looks")] = 30.0
) -> None:
    """Take in what is put into the inbox folder, until stopped."""
    from pipelines.watch import watch_inbox

    watch_inbox(county(home), every_seconds=every)


@app.command()
def real(home: Home = Path("real")) -> None:
    """Run the same flow on real sales, land, sensors and weather from ANXU_DATA."""
    from pipelines.console import Bars, console
    from pipelines.progress import listening
    from pipelines.real import MissingData, prepare_real, show_real
    from pipelines.run import flow_night, show_result

    try:
        with Bars() as bars, listening(bars):
            taken = prepare_real(home)
            flow_night(home, taken.cutoff, None)
    except MissingData as missing:
        console.print(f"[red]{missing}[/]")
        raise typer.Exit(3) from missing
    show_real(taken)
    show_result(taken.settings, taken.cutoff)


@app.command()
def serve(home: Home = HOME) -> None:
    """Serve API and page of the current release on 127.0.0.1 until stopped."""
    serve_county(county(home))


@app.command()
def schedule(
    home: Home = HOME,
    cron: Annotated[
        str | None, typer.Option(help="five fields, local time; default nightly_cron of the settings")
    ] = None,
) -> None:
    """Register the deployments on the Prefect server and run them when due, until stopped."""
    settings = county(home)
    from pipelines.run import quiet

    quiet(home)
    os.environ["PREFECT_LOGGING_LEVEL"] = "INFO"
    os.environ.setdefault("PREFECT_API_URL", settings.prefect_api_url)
    from pipelines.schedule import serve_schedule

    serve_schedule(settings, cron=cron or settings.nightly_cron)


@app.command()
def experiments(home: Home = HOME) -> None:
    """Open the MLflow page of the county with light settings, until stopped."""
    from pipelines.experiments import open_experiments

    raise typer.Exit(open_experiments(county(home)))


@app.command()
def doctor(home: Home = HOME) -> None:
    """Check versions, paths, disk, ports, the last run and what has stopped arriving."""
    from pipelines.console import console
    from pipelines.doctor import examine

    found = examine(Settings(home=home), now=datetime.now(UTC))
    for finding in found:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        console.print(
            f"{mark} {finding.what}: {finding.value}" + ("" if finding.ok else f" → {finding.way_out}")
        )
    raise typer.Exit(0 if all(f.ok for f in found) else 1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="ingest, sensors, county, planting, …")],
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
) -> None:
    """Measure ours and the peers on the same rows; exit 0 all limits hold, 1 one fails, 3 data missing."""
    from benchmarks import run_bench

    result, code = run_bench(name, context.args)
    if json_file:
        json_file.write_text(json.dumps(result, ensure_ascii=False, indent=1), "utf-8")
    raise typer.Exit(code)


def serve_county(settings: Settings) -> None:
    """Serve until stopped."""
    import serving.app as service
    from pipelines.operations.logs import write_logs

    write_logs(settings.log_format)
    typer.echo(f"serving http://{settings.host}:{settings.port} – Ctrl-C ends it")
    try:
        service.serve(settings)
    except (service.PortTaken, service.OpenToAll) as taken:
        typer.echo(f"anxu: {taken}", err=True)
        raise typer.Exit(1) from taken


def main() -> None:
    """Run the command line; what the user can mend is said in a line, not in a traceback."""
    from pydantic import ValidationError

    from pipelines.check import CutoffAhead, NothingToForecast
    from pipelines.run import QUIET
    from warehouse.inbox import InboxError
    from warehouse.release import ReleaseError
    from warehouse.schema import WarehouseError

    os.environ.update(QUIET | os.environ)
    try:
        app()
    except (WarehouseError, ReleaseError, InboxError, NothingToForecast, CutoffAhead) as error:
        typer.echo(f"anxu: {error}", err=True)
        raise SystemExit(1) from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        typer.echo(
            f"anxu: settings (anxu.toml, ANXU_…): {wrong}; known are {', '.join(Settings.model_fields)}",
            err=True,
        )
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
