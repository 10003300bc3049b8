"""Figures against peers and yardsticks, one module a subject: `anxu bench NAME`.

A module's `run(**arguments)` returns `bench`, `data`, `seed`, `rows` and `must`; its arguments become options.
"""

import importlib
import importlib.metadata
import inspect
import os
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import psutil
from rich.console import Console
from rich.table import Table

from settings import Settings

DATA_FOLDERS = {
    "sensors": "sensors-hast",
    "planting": "cumcm2024c",
    "latent": "freshretailnet-cities",
    "demand": "freshretailnet-cities",
    "season": "kalimati-monthly",
    "harvest": "greenhouse-agc2",
    "grading": "agmarknet-grades",
}
"""Folder below the setting `data` where a benchmark looks unless `--data` names another."""
NAMES = (
    "bestseller",
    "county",
    "cuts",
    "cutting",
    "demand",
    "grading",
    "harvest",
    "ingest",
    "latent",
    "launches",
    "planting",
    "play",
    "scale",
    "season",
    "sensors",
    "serve",
    "truth",
    "whatif",
)
PACKAGES = ("duckdb", "highspy", "lightgbm", "mlforecast", "polars", "statsforecast")
OK, FAILED, USAGE, NO_DATA = 0, 1, 2, 3


class MissingFolderError(Exception):
    """A folder of data that a benchmark needs is not there."""


def run_bench(name: str, arguments: list[str]) -> tuple[dict[str, Any], int]:
    """Run one benchmark with `--option value` arguments; returns its result and the exit code."""
    console = Console(width=140)
    if name not in NAMES:
        console.print(f"no benchmark '{name}'; there are {', '.join(NAMES)}")
        return {}, USAGE
    run = importlib.import_module(f"benchmarks.{name}").run
    try:
        chosen = options(run, arguments)
    except ValueError as error:
        console.print(f"anxu bench {name}: {error}")
        return {}, USAGE
    if name in DATA_FOLDERS and "data" not in chosen:
        chosen["data"] = Settings().data / DATA_FOLDERS[name]
    if "data" in chosen and not Path(chosen["data"]).exists():
        console.print(
            f"anxu bench {name}: no folder '{chosen['data']}'; name it with --data, or set ANXU_DATA"
        )
        return {}, NO_DATA
    try:
        found = run(**chosen)
    except MissingFolderError as missing:
        console.print(f"anxu bench {name}: {missing}")
        return {}, NO_DATA
    result = found | {"versions": _versions(), "machine": _machine()}
    show(console, result)
    return result, OK if all(m["holds"] for m in result["must"]) else FAILED


def options(run: Any, arguments: list[str]) -> dict[str, Any]:
    """Turn `--option value` pairs into arguments of `run`, by its annotations; an argument that is a tuple takes so many values.

    Raises:
        ValueError: An option is unknown, lacks its value, or the value does not fit.
    """
    hints, known = get_type_hints(run), inspect.signature(run).parameters
    chosen: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        flag = rest.pop(0)
        option = flag.removeprefix("--").replace("-", "_")
        if option not in known:
            raise ValueError(
                f"unknown option '{flag}'; there are {', '.join('--' + k.replace('_', '-') for k in known)}"
            )
        kinds = _kinds(hints[option])
        if len(rest) < len(kinds):
            values = " ".join(["value"] * len(kinds))
            raise ValueError(f"'{flag}' lacks its value: write {flag} {values}")
        taken = tuple(kind(rest.pop(0)) for kind in kinds)
        chosen[option] = taken if len(kinds) > 1 else taken[0]
    return chosen


def _kinds(hint: Any) -> tuple[Any, ...]:
    """What each value of an option is made with; `X | None` counts as X."""
    inner = (
        next((h for h in get_args(hint) if h is not type(None)), hint)
        if type(None) in get_args(hint)
        else hint
    )
    kinds = get_args(inner) if get_origin(inner) is tuple else (inner,)
    return tuple(k if k in (int, float, str, Path) else str for k in kinds)


def show(console: Console, result: dict[str, Any]) -> None:
    """Print the figures and whether each limit holds."""
    figures = Table(
        title=f"{result['bench']} on {result['data']}, seed {result['seed']}", title_justify="left"
    )
    for heading in ("segment", "metric", "method"):
        figures.add_column(heading)
    figures.add_column("value", justify="right")
    for row in result["rows"]:
        figures.add_row(str(row["segment"]), str(row["metric"]), str(row["method"]), _number(row["value"]))
    limits = Table(title="Limits", title_justify="left")
    for heading in ("", "what", "value", "limit"):
        limits.add_column(heading, justify="right" if heading in ("value", "limit") else "left")
    for must in result["must"]:
        mark = "[green]✓[/]" if must["holds"] else "[red]✗[/]"
        limits.add_row(mark, must["what"], _number(must["value"]), _number(must["limit"]))
    console.print(figures)
    console.print(limits)


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1e6:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 1e3 else f"{value:,.2f}"


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _machine() -> dict[str, float]:
    return {"cores": os.cpu_count() or 0, "memory_gb": round(psutil.virtual_memory().total / 1e9, 1)}
