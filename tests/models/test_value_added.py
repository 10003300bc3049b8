"""Steps from the baseline to what was published: gains that add up, scores of several forecasts as one."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.matured import override_losses, step_by_step, step_scores, volume_classes
from models.evaluation.value_added import STEPS, pooled, value_added

DAY = date(2026, 5, 1)
LEVELS = (0.1, 0.5, 0.9)


def scores(*values: float) -> pl.DataFrame:
    return pl.DataFrame({"method": STEPS, "value": values}).with_columns(
        segment=pl.lit("all"), lead_days=pl.lit("1-7"), metric=pl.lit("wql")
    )


@given(st.lists(st.floats(0, 10), min_size=4, max_size=4))
def test_the_gains_of_the_steps_add_up_to_the_whole(values: list[float]) -> None:
    gains = dict(value_added(scores(*values)).select("step", "gain").iter_rows())
    assert gains["model"] + gains["fallback"] + gains["override"] == pytest.approx(gains["total"], abs=1e-12)
    assert gains["total"] == pytest.approx(values[0] - values[-1], abs=1e-12)


def test_a_step_that_made_it_worse_has_a_gain_below_0() -> None:
    gains = value_added(scores(0.8, 0.5, 0.5, 0.6))
    shares = dict(gains.select("step", "gain_share").iter_rows())
    assert shares == pytest.approx({"fallback": 0.0, "model": 0.375, "override": -0.125, "total": 0.25})


def test_a_segment_without_every_step_has_no_value_added() -> None:
    assert value_added(scores(0.8, 0.5, 0.5, 0.6).head(3)).is_empty()


def test_scores_of_several_forecasts_count_by_what_was_sold() -> None:
    def one(days: int, wql: float, sold: float) -> pl.DataFrame:
        rows = [("wql", "anxu", wql, 10), ("sold_kg", "sold", sold, 10)]
        return pl.DataFrame(
            rows, schema=["metric", "method", "value", "rows_scored"], orient="row"
        ).with_columns(
            segment=pl.lit("all"), lead_days=pl.lit("1-7"), scored_cutoff=pl.lit(DAY + timedelta(days=days))
        )

    both = pooled(pl.concat([one(0, 0.2, 30.0), one(7, 0.6, 10.0)])).row(0, named=True)
    assert both["value"] == pytest.approx(0.3)
    assert (both["rows_scored"], both["forecasts"], both["last_cutoff"]) == (20, 2, DAY + timedelta(days=7))


def forecast(kg: float, level_step: float = 1.0) -> pl.DataFrame:
    """Product p on two days; each level `level_step` apart."""
    rows = [
        ("p", "c", "r", DAY + timedelta(days=d), q, kg + level_step * (i - 1))
        for d in range(2)
        for i, q in enumerate(LEVELS)
    ]
    names = ["product_id", "channel_id", "region_id", "forecast_date", "level", "demand_kg"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(expected_kg=pl.lit(kg + 1.0))


def told(published_kg: float, before: pl.DataFrame) -> pl.DataFrame:
    published = forecast(published_kg).with_columns(
        model_version=pl.lit("demand-1+override" if before.height else "demand-1"),
        fallback_reason=pl.lit(None, pl.String),
    )
    wide = step_by_step(published, before, forecast(2.0, 0.0), LEVELS)
    return wide.with_columns(sold_kg=pl.lit(6.0), family=pl.lit("f"), volume=pl.lit("A"), lead=pl.lit(1))


def before(kg: float, step: str) -> pl.DataFrame:
    mark = pl.lit("o1") if step == "before_override" else pl.lit(None, pl.String)
    return forecast(kg).with_columns(step=pl.lit(step), override_id=mark)


def test_a_step_that_changed_nothing_is_the_step_after_it() -> None:
    wide = told(5.0, before(5.0, "model").clear())
    assert (
        wide["model_0.5"].to_list()
        == wide["before_override_0.5"].to_list()
        == wide["anxu_0.5"].to_list()
        == [5.0, 5.0]
    )
    assert wide["seasonal_naive_0.5"].to_list() == [2.0, 2.0]
    assert wide["override_id"].to_list() == [None, None]


def test_an_override_by_0_can_still_be_taken_back_and_is_judged_by_its_author_s_change() -> None:
    wide = told(0.0, before(5.0, "before_override"))
    assert wide["before_override_0.5"].to_list() == wide["model_0.5"].to_list() == [5.0, 5.0]
    judged = override_losses(wide, LEVELS).row(0, named=True)
    assert (judged["override_id"], judged["days"], judged["sold_kg"]) == ("o1", 2, 12.0)
    assert judged["before_loss_kg"] < judged["after_loss_kg"]


def test_every_step_is_scored_in_every_segment() -> None:
    table = step_scores(told(6.0, before(5.0, "before_override")), LEVELS)
    assert set(table["segment"]) == {
        "all", "channel:c", "family:f", "region:r", "volume:A", "fallback:none", "override:yes",
    }  # fmt: skip
    wape = table.filter((pl.col("metric") == "wape") & (pl.col("segment") == "all"))
    assert dict(wape.select("method", "value").iter_rows()) == pytest.approx(
        {"anxu": 0.0, "before_override": 1 / 6, "model": 1 / 6, "seasonal_naive": 4 / 6}
    )
    bias = table.filter((pl.col("metric") == "bias") & (pl.col("segment") == "all"))
    assert dict(bias.select("method", "value").iter_rows()) == pytest.approx(
        {"anxu": 1 / 6, "before_override": 0.0, "model": 0.0, "seasonal_naive": -4 / 6}
    )
    assert table.filter(pl.col("metric") == "sold_kg")["value"].unique().to_list() == [12.0]
    open_ended = table.filter((pl.col("metric") == "coverage_80_above_0") & (pl.col("method") == "anxu"))
    assert open_ended["value"].unique().to_list() == [1.0]


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_volume_classes_go_from_large_to_small_and_the_largest_is_an_a(kg: list[float]) -> None:
    sold = pl.DataFrame({"product_id": [f"p{i}" for i in range(len(kg))], "sold_kg": kg}).with_columns(
        channel_id=pl.lit("c"), region_id=pl.lit("r")
    )
    named = volume_classes(sold).join(sold, on="product_id")
    named = named.sort("sold_kg", "volume", descending=[True, False])
    assert "".join(named["volume"]) == "".join(sorted(named["volume"]))
    assert named["volume"][0] == ("A" if max(kg) > 0 else "C")
