"""Who may import whom, read from the syntax trees, so the direction of data flow cannot bend unnoticed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"features", "models", "warehouse", "pipelines", "serving", "settings", "anxu", "benchmarks"}
MAY = {
    "features": {"features"},
    "models": {"models", "features"},
    "warehouse": {"warehouse", "settings"},
    "pipelines": {"pipelines", "features", "models", "warehouse", "settings"},
    "serving": {"serving", "warehouse", "settings", "models"},
    "benchmarks": OURS,
}
FOR_WHAT_IFS = "models.forecasting."
"""Of models, serving uses what a demand what-if needs: the demand model and the files named whatif."""
PURE_NEVER = {"duckdb", "prefect", "mlflow", "fastapi", "httpx", "os", "pathlib"}
NEVER = {
    "features": PURE_NEVER,
    "models": PURE_NEVER,
    "warehouse": {"prefect", "mlflow", "fastapi"},
    "pipelines": {"fastapi", "duckdb"},
    "serving": {"prefect", "mlflow", "duckdb"},
    "benchmarks": set[str](),
}
IMPURE_CALLS = {"open", "today", "now", "utcnow"}
IMPURE_PREFIXES = ("read_csv", "read_parquet", "read_json", "scan_", "write_", "sink_")
FILES = [p for package in MAY for p in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node.func.id


def test_there_is_something_to_check() -> None:
    assert {p.relative_to(ROOT).parts[0] for p in FILES} == set(MAY)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    modules = {name.split(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}
    assert not (modules & OURS) - MAY[package]
    assert not modules & NEVER[package]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_features_and_models_neither_read_nor_write_nor_look_at_the_clock(path: Path) -> None:
    if path.relative_to(ROOT).parts[0] not in {"features", "models"}:
        return
    calls = set(called(ast.parse(path.read_text("utf-8"))))
    assert not calls & IMPURE_CALLS
    assert not {c for c in calls if c.startswith(IMPURE_PREFIXES)}


def test_serving_takes_of_the_models_only_what_a_demand_what_if_needs() -> None:
    used = {
        name
        for path in FILES
        if path.relative_to(ROOT).parts[0] == "serving"
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name.split(".")[0] == "models"
    }
    assert used
    assert all(name.removeprefix(FOR_WHAT_IFS).startswith(("demand", "whatif")) for name in used)


def test_one_module_imports_mlflow_and_two_import_prefect() -> None:
    importers: dict[str, set[str]] = {"mlflow": set(), "prefect": set()}
    for path in FILES:
        for name in imported(ast.parse(path.read_text("utf-8"))):
            if name.split(".")[0] in importers:
                importers[name.split(".")[0]].add(str(path.relative_to(ROOT)))
    assert importers["mlflow"] <= {"pipelines/registry.py"}
    assert importers["prefect"] <= {"pipelines/nightly.py", "pipelines/schedule.py"}


def test_the_sample_county_is_used_only_by_its_writer_and_the_benchmarks() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(name.startswith("models.simulation") for name in imported(ast.parse(path.read_text("utf-8"))))
    }
    assert all(
        u == "pipelines/sample.py" or u.startswith(("benchmarks/", "models/simulation/")) for u in users
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_grows_past_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_nine_functions_in_ten_fit_on_thirty_lines() -> None:
    lengths = [
        (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not lengths or sum(n <= 30 for n in lengths) / len(lengths) >= 0.9


def test_every_package_is_typed_and_tests_have_no_packages() -> None:
    for package in MAY:
        assert (ROOT / package / "py.typed").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))
