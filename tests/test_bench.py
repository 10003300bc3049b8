"""The front door of the benchmarks: options by annotation, and the exit code the figures decide."""

from pathlib import Path

import pytest

import benchmarks
from benchmarks import NO_DATA, USAGE, options, run_bench


def measured(data: Path, *, seed: int = 1, share: float = 0.5, size: str = "tiny") -> dict[str, object]:
    return {"bench": "x", "data": str(data), "seed": seed, "rows": [], "must": []}


def test_options_take_the_types_of_the_benchmark() -> None:
    given = options(measured, ["--data", "folder", "--seed", "7", "--share", "0.25"])
    assert given == {"data": Path("folder"), "seed": 7, "share": 0.25}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--sed", "7"], "'--sed'"), (["--seed"], "'--seed' lacks"), (["--seed", "x"], "x")],
)
def test_a_wrong_option_is_named(arguments: list[str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        options(measured, arguments)


def test_an_unknown_benchmark_is_a_usage_error_and_a_missing_folder_has_its_own_code(tmp_path: Path) -> None:
    assert run_bench("nonsense", [])[1] == USAGE
    assert run_bench("sensors", ["--data", str(tmp_path / "nowhere")])[1] == NO_DATA


@pytest.mark.parametrize(("holds", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_is_what_the_limits_say(
    holds: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fake:
        @staticmethod
        def run() -> dict[str, object]:
            must = [{"what": "w", "value": 1.0, "limit": 2.0, "holds": holds}]
            row = {"segment": "s", "metric": "m", "method": "anxu", "value": 1.5}
            return {"bench": "x", "data": "d", "seed": 1, "rows": [row], "must": must}

    monkeypatch.setattr(benchmarks.importlib, "import_module", lambda _: Fake)
    result, found = run_bench("county", [])
    assert found == code
    assert result["versions"]["polars"]
