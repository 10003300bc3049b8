"""Joint paths keep their margins, hang together as the backtest's ranks do, and come again from the same seed."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.special import ndtr

from models.forecasting.dependence import (
    ASSUMED,
    COMPONENTS,
    KEYS,
    Component,
    Dependence,
    fit_dependence,
    tied_ranks,
)
from models.forecasting.scenarios import PathDraw, margin_grid, scenario_paths

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
MONDAY = date(2026, 1, 5)


def quantiles(scale: float, weeks: int = 4) -> np.ndarray:
    return np.tile(scale * np.array([1, 2, 3, 4, 5, 6, 7, 9, 11, 15, 20.0]), (weeks, 1))


def season(*series: tuple[str, str, str], weeks: int = 4, scale: float = 1.0) -> pl.DataFrame:
    rows = [
        (*key, MONDAY + timedelta(weeks=w), q, float(quantiles(scale)[0, i]))
        for key in series
        for w in range(weeks)
        for i, q in enumerate(LEVELS)
    ]
    schema = [*KEYS, "week_start", "level", "demand_kg"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(expected_kg=pl.lit(8.0 * scale))


def makes(*rows: tuple[str, str, str, str | None, float]) -> pl.DataFrame:
    schema = {
        "family": pl.String, "channel_id": pl.String, "crop_id": pl.String, "grade": pl.String,
        "crop_kg_per_kg": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def of(**shares: float) -> Dependence:
    return Dependence({name: Component(share, 0.5, 0.8) for name, share in shares.items()}, 9)


@given(
    steps=st.lists(st.floats(0, 1e4), min_size=11, max_size=11),
    stretch=st.floats(0, 3),
    paths=st.sampled_from([100, 1000]),
)
def test_a_margin_ascends_is_never_negative_and_keeps_its_quantiles(
    steps: list[float], stretch: float, paths: int
) -> None:
    wanted = np.cumsum(steps)[None, :]
    plain = margin_grid(wanted, LEVELS, np.array([np.nan]), paths)
    mean = plain.mean(axis=1) * stretch
    grid = margin_grid(wanted, LEVELS, mean, paths)[0]
    assert grid.min() >= 0
    assert np.diff(grid).min() >= -1e-6
    for q, kg in zip(LEVELS, wanted[0], strict=True):
        assert grid[round(q * paths) - 1] <= kg + 1e-6
        assert grid[round(q * paths)] >= kg - 1e-6
    if stretch >= 1:
        assert grid.mean() == pytest.approx(mean[0], rel=1e-9, abs=1e-9)
    assert grid.mean() >= mean[0] * (1 - 1e-9) - 1e-9


def test_the_mean_is_met_with_a_tail_or_by_sagging_between_the_levels() -> None:
    for wanted in (7.0, 8.0, 12.0):
        grid = margin_grid(quantiles(1.0, 1), LEVELS, np.array([wanted]), 1000)
        assert grid.mean() == pytest.approx(wanted)
    seldom = np.zeros((1, 11))
    grid = margin_grid(seldom, LEVELS, np.array([2.0]), 1000)[0]
    assert (grid > 0).sum() == 50
    assert grid.mean() == pytest.approx(2.0)


def test_every_series_takes_every_place_of_its_margin_once_a_week() -> None:
    ranks = PathDraw(ASSUMED, weeks=5, seed=3, paths=200).ranks("leaf", "shop", "r")
    assert (np.sort(ranks, axis=1) == np.arange(200)).all()


def test_series_with_more_in_common_move_more_alike() -> None:
    draw = PathDraw(ASSUMED, weeks=6, seed=3, paths=4000)
    first = draw.ranks("leaf", "shop", "r")[2]

    def alike(*key: str, week: int = 2) -> float:
        return float(np.corrcoef(first, draw.ranks(*key)[week])[0, 1])

    shop, family, channel, none = (
        alike("leaf", "shop", "s"), alike("leaf", "till", "s"), alike("root", "shop", "s"), alike("root", "till", "s"),
    )  # fmt: skip
    assert shop > family > channel > none - 0.03
    assert shop == pytest.approx(ASSUMED.correlation(("family", "channel_id"), 0), abs=0.06)
    assert alike("leaf", "shop", "r", week=3) > alike("leaf", "shop", "r", week=5) > shop * 0.5


def test_the_same_seed_gives_the_same_paths_and_another_gives_others() -> None:
    asked = season(("leaf", "shop", "r"), ("leaf", "shop", "s"), ("root", "shop", "r"))
    crops = makes(
        ("leaf", "shop", "kale", "A", 0.5),
        ("leaf", "shop", "kale", "B", 0.5),
        ("root", "shop", "beet", None, 2.0),
    )
    once, again, shuffled, other = (
        scenario_paths(frame, crops, dependence=ASSUMED, seed=seed, paths=100)
        for frame, seed in ((asked, 1), (asked, 1), (asked.sample(fraction=1.0, shuffle=True, seed=4), 1), (asked, 2))
    )  # fmt: skip
    assert_frame_equal(once, again)
    assert_frame_equal(once, shuffled)
    assert once["path_kg"].to_list() != other["path_kg"].to_list()


def test_paths_of_a_crop_add_up_its_products_and_keep_the_mean() -> None:
    asked = season(("leaf", "shop", "r"), ("leaf", "shop", "s"), ("root", "shop", "r"))
    crops = makes(("leaf", "shop", "kale", "A", 0.75), ("leaf", "shop", "kale", "B", 0.5))
    paths = scenario_paths(asked, crops, dependence=ASSUMED, seed=1, paths=500)
    assert paths.select("crop_id", "grade", "channel_id").unique().height == 2
    assert paths.filter(pl.col("grade") == "A")["expected_kg"].to_list() == pytest.approx([0.75 * 16] * 4)
    kg = paths.filter(pl.col("grade") == "A")["path_kg"].to_list()[0]
    assert len(kg) == 500
    assert min(kg) >= 0
    assert np.mean(kg) == pytest.approx(12, rel=1e-3)


def test_one_series_keeps_its_season_quantiles() -> None:
    paths = scenario_paths(
        season(("leaf", "shop", "r")), makes(("leaf", "shop", "kale", None, 1.0)), dependence=ASSUMED, seed=1
    )
    found = np.quantile(np.array(paths["path_kg"].to_list()), LEVELS, axis=1, method="hazen").T
    assert found == pytest.approx(quantiles(1.0), rel=0.005)


def test_what_hangs_together_spreads_wider_in_sum() -> None:
    def spread(dependence: Dependence) -> float:
        asked = season(*[("leaf", "shop", f"r{i}") for i in range(20)])
        paths = scenario_paths(
            asked, makes(("leaf", "shop", "kale", None, 1.0)), dependence=dependence, seed=1, paths=500
        )
        return float(np.quantile(np.array(paths["path_kg"][0].to_list()), 0.9) / paths["expected_kg"][0])

    assert 1 < spread(of(series=1.0)) < spread(of(family=0.5, series=0.5)) < spread(of(all=1.0))


def shaken(truth: Dependence, origins: int, weeks: int) -> pl.DataFrame:
    """Ranks whose normal scores are sums of components with the given shares."""
    families, channels, regions = 12, 6, 5
    series = [
        (f"f{f}", f"c{c}", f"r{r}") for f in range(families) for c in range(channels) for r in range(regions)
    ]
    rng = np.random.default_rng(5)
    parts = []
    for origin in range(origins):
        held: dict[tuple[str, ...], np.ndarray] = {}
        for key in series:
            score = np.zeros(weeks)
            for name, part in truth.parts.items():
                group = (name, *(key[KEYS.index(k)] for k in COMPONENTS[name]))
                if group not in held:
                    course = rng.standard_normal(weeks)
                    for w in range(1, weeks):
                        course[w] = part.keep * course[w - 1] + np.sqrt(1 - part.keep**2) * course[w]
                    held[group] = (
                        np.sqrt(part.lasting) * rng.standard_normal() + np.sqrt(1 - part.lasting) * course
                    )
                score += np.sqrt(part.share) * held[group]
            parts.append(
                pl.DataFrame({"lead_weeks": range(1, weeks + 1), "rank": ndtr(score)}).with_columns(
                    family=pl.lit(key[0]), channel_id=pl.lit(key[1]), region_id=pl.lit(key[2]),
                    origin=pl.lit(MONDAY + timedelta(weeks=52 * origin)),
                )
            )  # fmt: skip
    return pl.concat(parts)


def test_shares_of_the_variance_are_found_again() -> None:
    truth = Dependence(
        {
            "all": Component(0.1, 0.5, 0.5), "family": Component(0.3, 0.5, 0.5), "channel": Component(0.0, 0.5, 0.5),
            "family_channel": Component(0.2, 0.5, 0.5), "series": Component(0.4, 0.0, 0.0),
        },
        0,
    )  # fmt: skip
    found = fit_dependence(shaken(truth, origins=8, weeks=16), drawn_to=0.0)
    assert sum(part.share for part in found.parts.values()) == pytest.approx(1)
    for common in ((), ("family",), ("family", "channel_id"), KEYS):
        assert found.correlation(common, 0) == pytest.approx(truth.correlation(common, 0), abs=0.08)
    assert found.correlation(("family", "channel_id"), 10) == pytest.approx(0.3, abs=0.08)


def test_too_little_to_learn_from_takes_what_is_assumed() -> None:
    truth = shaken(ASSUMED, origins=1, weeks=4)
    assert fit_dependence(truth) is ASSUMED
    assert fit_dependence(truth.clear()) is ASSUMED


@settings(max_examples=20)
@given(st.integers(0, 10))
def test_a_rank_among_equal_quantiles_is_drawn_evenly(zeros: int) -> None:
    kg = {f"anxu_{q:g}": [0.0 if i <= zeros else float(i)] * 400 for i, q in enumerate(LEVELS)}
    tested = pl.DataFrame({**dict.fromkeys(KEYS, ["x"] * 400), "origin": [MONDAY] * 400, "lead_weeks": [1] * 400, "sold_kg": [0.0] * 400,
                           "rank": [0.5] * 400, **kg})  # fmt: skip
    ranks = tied_ranks(tested, levels=LEVELS, method="anxu", seed=1)["rank"]
    if zeros == 10:
        assert ranks.null_count() == 400
    else:
        assert ranks.min() >= 0
        assert ranks.max() <= LEVELS[zeros]
        assert ranks.mean() == pytest.approx(LEVELS[zeros] / 2, rel=0.15)
