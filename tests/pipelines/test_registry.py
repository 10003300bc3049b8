"""The registry: one version a key, files where the county is, aliases that can go back."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines import registry, registry_moves
from pipelines.registry import Version
from settings import Settings

CUTOFF = date(2026, 4, 1)
FILES = {"model.txt": "trees", "model.json": "{}"}


@pytest.fixture
def settings(tmp_path: Path, registered: Path) -> Settings:
    return county(tmp_path / "county", registered)


def county(home: Path, registered: Path) -> Settings:
    home.mkdir()
    (home / registered.name).write_bytes(registered.read_bytes())
    return Settings(home=home)


def record(settings: Settings, key: str, *, days: int = 0, promote: bool = True) -> Version:
    return registry.record(
        settings,
        key=key,
        recipe="r",
        cutoff=CUTOFF + timedelta(days=days),
        promote=promote,
        reason="first",
        params={"a": 1},
        metrics={"wql": 0.5, "naive_wql": 0.6, "wql/family:叶菜#1/anxu": 0.4},
        files=FILES,
        tables={"backtest/scores.csv": "segment"},
    )


def settled(settings: Settings, key: str, *, days: int = 0, promote: bool = True) -> Version:
    version = record(settings, key, days=days, promote=promote)
    registry.settle(settings, version)
    return version


def champion(settings: Settings, days: int = 1000) -> str | None:
    found = registry.champion(settings, cutoff=CUTOFF + timedelta(days=days))
    return found.name if found else None


def test_the_same_key_is_registered_once(settings: Settings) -> None:
    assert record(settings, "k") == record(settings, "k")
    assert record(settings, "other").number == 2


def test_a_version_is_champion_only_when_settled_and_settling_twice_is_settling_once(
    settings: Settings,
) -> None:
    first = record(settings, "a")
    assert champion(settings) is None
    registry.settle(settings, first)
    second = settled(settings, "b", days=7)
    registry.settle(settings, second)
    assert champion(settings) == "demand-2"
    assert registry_moves.rollback(settings).name == "demand-1"


def test_a_challenger_leaves_the_champion_where_it_is(settings: Settings) -> None:
    settled(settings, "a")
    settled(settings, "b", days=7, promote=False)
    assert champion(settings) == "demand-1"


def test_a_back_fill_reads_the_model_of_then_and_moves_no_alias(settings: Settings) -> None:
    settled(settings, "a", days=0)
    settled(settings, "b", days=14)
    settled(settings, "c", days=7)
    assert champion(settings) == "demand-2"
    assert [champion(settings, days) for days in (-1, 3, 8, 14)] == [None, "demand-1", "demand-3", "demand-2"]


def test_what_a_release_carries_is_the_champion_s_files(settings: Settings) -> None:
    assert registry.champion_files(settings, cutoff=CUTOFF) == ()
    version = settled(settings, "a")
    assert version.files() == FILES
    carried = registry.champion_files(settings, cutoff=CUTOFF)
    assert [(f.name, f.version) for f in carried] == [("demand.json", "demand-1"), ("demand.txt", "demand-1")]
    assert carried[1].path.read_text("utf-8") == "trees"
    (version.folder / "in_stock.txt").write_text("more trees", "utf-8")
    assert version.files() == {**FILES, "in_stock.txt": "more trees"}
    carried = registry.champion_files(settings, cutoff=CUTOFF)
    assert {f.name for f in carried} == {"demand.txt", "demand.json", "demand-in_stock.txt"}


def test_the_error_is_that_of_the_champion_s_backtest(settings: Settings) -> None:
    assert registry.champion_error(settings).is_empty()
    settled(settings, "a")
    assert registry.champion_error(settings).rows() == [("wql", 0.5, 0.6)]


def test_there_is_nothing_to_go_back_to_after_one_model(settings: Settings) -> None:
    settled(settings, "a")
    with pytest.raises(registry.RegistryError, match="no earlier champion"):
        registry_moves.rollback(settings)


def test_a_model_whose_files_are_gone_is_named(settings: Settings) -> None:
    version = record(settings, "k")
    (version.folder / "model.txt").unlink()
    with pytest.raises(registry.RegistryError, match=r"demand-1: model\.txt is missing"):
        version.files()


def test_a_county_that_was_moved_finds_its_models_and_logs_new_ones_where_it_is(
    tmp_path: Path, registered: Path
) -> None:
    record(county(tmp_path / "old", registered), "a")
    (tmp_path / "old").rename(tmp_path / "new")
    moved = Settings(home=tmp_path / "new")
    later = record(moved, "b", days=7)
    assert later.folder.is_relative_to(tmp_path / "new")
    assert [v.files() for v in registry.versions(moved, cutoff=date.max)] == [FILES, FILES]


def test_what_was_rolled_back_is_held_until_a_person_promotes_its_recipe(settings: Settings) -> None:
    settled(settings, "a")
    second = settled(settings, "b", days=7)
    assert not registry_moves.is_held(settings, second.recipe)
    registry_moves.rollback(settings)
    held = registry.versions(settings, cutoff=date.max)[-1]
    assert (held.name, held.held) == ("demand-2", True)
    registry.settle(settings, held)
    assert champion(settings) == "demand-1"
    assert champion(settings, days=3) == "demand-1"
    assert registry_moves.is_held(settings, second.recipe)
    assert not registry_moves.is_held(settings, "another recipe")

    third = settled(settings, "c", days=14, promote=False)
    assert registry_moves.promote(settings, third.name).promote
    assert champion(settings) == "demand-3"
    assert not registry_moves.is_held(settings, second.recipe)
    assert registry_moves.rollback(settings).name == "demand-1"


def test_a_model_that_is_not_there_cannot_be_promoted(settings: Settings) -> None:
    settled(settings, "a")
    with pytest.raises(registry.RegistryError, match="no model 'demand-9'; the newest are demand-1"):
        registry_moves.promote(settings, "demand-9")


def test_the_list_shows_versions_roles_and_scores_newest_first(settings: Settings) -> None:
    settled(settings, "a")
    settled(settings, "b", days=7)
    registry_moves.rollback(settings)
    found = registry_moves.listed(settings)
    assert found.select("version", "role", "wql", "wape").rows() == [
        ("demand-2", "challenger, held", 0.5, None),
        ("demand-1", "champion", 0.5, None),
    ]
