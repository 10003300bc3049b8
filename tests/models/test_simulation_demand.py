"""Demand, stores and order lines of the sample county: what was wanted, what was seen, and what may never differ."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy.stats import nbinom

from models.simulation import almanac
from models.simulation.demand import build_market
from models.simulation.instrument import checks
from models.simulation.orders import as_of, midnight
from models.simulation.sizes import ENDS_ON, size_of
from models.simulation.stores import clock_of
from models.simulation.truth import demand_quantiles, latent_demand, quantiles
from models.simulation.world import World, build_world, region_id


@pytest.fixture(scope="module")
def tiny() -> World:
    return build_world("tiny", 1)


def test_the_same_seed_gives_the_same_county_and_another_seed_another(tiny: World) -> None:
    again, other = build_world("tiny", 1), build_market(size_of("tiny"), 2)
    assert np.array_equal(again.market.rate, tiny.market.rate)
    assert np.array_equal(again.trade.sold, tiny.trade.sold)
    assert_frame_equal(again.field.readings, tiny.field.readings)
    assert not np.array_equal(other.rate, tiny.market.rate)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_instrument_holds_at_size_tiny(seed: int) -> None:
    assert [c for c in checks(build_world("tiny", seed)) if not c.holds] == []


def test_the_instrument_holds_at_size_demo_with_300000_order_lines() -> None:
    found = checks(build_world("demo", 1))
    assert [c for c in found if not c.holds] == []
    assert {c.low for c in found if c.what == "order lines"} == {300_000}


def test_an_unknown_size_is_refused_with_the_sizes_there_are() -> None:
    with pytest.raises(ValueError, match="no size 'huge'; take one of tiny, demo, county"):
        size_of("huge")


def test_shops_never_sell_more_than_was_wanted_or_stocked(tiny: World) -> None:
    trade = tiny.trade
    assert (trade.sold == np.minimum(trade.demand, trade.stock)).all()
    ran_out = (trade.stock > 0) & (trade.demand >= trade.stock)
    assert (trade.out_share[ran_out] < 1).all()
    assert (trade.out_share[(trade.stock > trade.demand)] == 1).all()


def test_off_season_nothing_is_wanted_stocked_or_listed_in_the_truth(tiny: World) -> None:
    crab = next(i for i, x in enumerate(tiny.market.products) if x.crop_id == "crab")
    off = ~tiny.market.on_sale[crab]
    assert off.any()
    assert (tiny.market.rate[crab][..., off] == 0).all()
    doy = latent_demand(tiny, 0, 400).filter(pl.col("product_id") == "crab-1")["sale_date"].dt.ordinal_day()
    assert doy.is_between(263, 365).all()


def test_a_launched_product_sells_nothing_before_its_day() -> None:
    market = build_market(size_of("demo"), 1)
    launched = [(i, day) for i, day in enumerate(market.launched) if day is not None]
    assert launched
    assert all((market.rate[i, :, :, :day] == 0).all() for i, day in launched)
    assert any(size_of("demo").days - day < 60 for _, day in launched)  # a cold start is in the records


def test_festivals_raise_demand_before_and_lower_it_after_by_the_lunar_calendar() -> None:
    feast = almanac.lunar_day(2025, 8, 15)
    assert feast == date(2025, 10, 6)
    effect = almanac.festival_effect("crab", feast - timedelta(days=10), 20)
    assert effect[9] > effect[0] > 0
    assert effect[11] < 0
    assert (
        almanac.festival_effect("rice", almanac.lunar_day(2026, 1, 1), 1)[0] < -1
    )  # couriers rest at new year


def test_a_live_stream_lifts_its_day_and_is_paid_back_after(tiny: World) -> None:
    slot = next(s for s in tiny.market.slots if s.day > 5)
    event = tiny.market.event[slot.product, slot.channel]
    usual = almanac.festival_effect(
        tiny.market.products[slot.product].crop_id, tiny.size.starts_on, tiny.size.total_days
    )
    uplift, _ = almanac.campaign_effect(tiny.size.starts_on, tiny.size.total_days)
    plain = usual + tiny.market.channels[slot.channel].campaign * uplift
    assert event[slot.day] - plain[slot.day] > 0.2
    assert 0 < slot.day - slot.announced <= 35


@given(
    rate=st.lists(st.floats(0.01, 60), min_size=1, max_size=8),
    size=st.floats(1, 20),
    levels=st.lists(st.floats(0.02, 0.98), min_size=1, max_size=5),
)
def test_the_oracles_quantiles_are_those_of_the_negative_binomial(
    rate: list[float], size: float, levels: list[float]
) -> None:
    mean, r = np.array(rate), np.full(len(rate), size)
    found = quantiles(mean, r, levels)
    chance = (r / (r + mean))[:, None]
    below, upto = nbinom.cdf(found - 1, r[:, None], chance), nbinom.cdf(found, r[:, None], chance)
    want = np.array(levels)[None, :]
    assert ((upto >= want - 1e-9) & ((found == 0) | (below <= want + 1e-9))).all()
    assert (np.diff(quantiles(mean, r, sorted(levels)), axis=1) >= 0).all()


def test_true_demand_lies_below_the_oracles_quantiles_as_often_as_they_say() -> None:
    world = build_world("tiny", 3)
    truth = pl.concat(demand_quantiles(world, ENDS_ON - timedelta(days=28 * k)) for k in range(1, 9))
    actual = latent_demand(world, 0, world.size.days).rename(
        {"sale_date": "forecast_date", "demand_kg": "wanted_kg"}
    )
    keys = ["product_id", "channel_id", "region_id", "forecast_date"]
    at = truth.filter(pl.col("level") == 0.9).join(actual, on=keys)
    assert at.height > 3_000
    assert 0.89 < (at["wanted_kg"] <= at["demand_kg"]).mean() < 0.99  # counts step over the level


def test_a_days_orders_come_by_the_clock_in_order() -> None:
    seconds = clock_of(np.linspace(0, 1, 50))
    assert seconds[0] == 0
    assert seconds[-1] == 86_400
    assert (np.diff(seconds) > 0).all()


def test_paid_lines_add_up_to_what_was_sold_and_refunds_before_shipping_come_on_top(tiny: World) -> None:
    assert tiny.lines is not None
    paid = tiny.lines.filter(pl.col("paid_at").is_not_null() & pl.col("product_id").is_not_null())
    net = paid.filter(pl.col("refund") != "before_ship")
    packs = net.with_columns(
        packs=pl.col("quantity") * pl.when(pl.col("spec") == "2件装").then(2).otherwise(1)
    )
    assert packs["packs"].sum() == tiny.trade.sold[:, : tiny.size.days].sum()
    days = packs.group_by("product_id", "channel_id", region_id=pl.col("region").map_elements(region_id, pl.String), sale_date=pl.col("paid_at").dt.date()).agg("packs")  # fmt: skip
    assert days.height == (tiny.trade.sold[:, : tiny.size.days] > 0).sum()
    assert paid.height > net.height


def test_lines_of_one_order_share_its_shop_time_and_fate(tiny: World) -> None:
    assert tiny.lines is not None
    one = tiny.lines.group_by("order_no").agg(
        pl.col("channel_id", "paid_at", "refund", "shipped_at", "buyer_no").n_unique(), lines=pl.len()
    )
    assert one.filter(pl.col("lines") > 1).height > 50
    assert one.select(pl.col("channel_id", "paid_at", "refund", "shipped_at", "buyer_no").max()).row(0) == (
        1,
        1,
        1,
        1,
        1,
    )


def test_the_last_line_of_a_sold_out_day_is_paid_when_the_shelf_went_empty(tiny: World) -> None:
    stock = latent_demand(tiny, 0, tiny.size.days).filter(pl.col("hours_out_of_stock").is_between(0.5, 23))
    assert tiny.lines is not None
    alone = tiny.lines.filter(
        (pl.col("refund") != "before_ship")
        & pl.col("paid_at").is_not_null()
        & pl.col("product_id").is_not_null()
    )
    last = alone.group_by("product_id", "channel_id", region_id=pl.col("region").map_elements(region_id, pl.String), sale_date=pl.col("paid_at").dt.date()).agg(pl.col("paid_at").max())  # fmt: skip
    both = stock.join(last, on=["product_id", "channel_id", "region_id", "sale_date"])
    midnight_after = (pl.col("sale_date") + pl.duration(days=1)).cast(pl.Datetime("us"))
    left = both.select(
        (midnight_after - pl.col("paid_at")).dt.total_seconds() / 3600 - pl.col("hours_out_of_stock")
    )
    assert left.to_series().abs().median() < 0.01  # type: ignore[operator]  # few were joined to an earlier order


def test_an_export_shows_no_time_after_it_was_made(tiny: World) -> None:
    assert tiny.lines is not None
    moment = midnight(tiny.size, 200)
    shown = as_of(tiny.lines, moment)
    times = shown.select(
        pl.max_horizontal("created_at", "paid_at", "shipped_at", "received_at", "refunded_at")
    ).to_series()
    assert times.max() < moment  # type: ignore[operator]
    day_after = as_of(tiny.lines, moment + timedelta(days=1), updated_since=moment)
    touched = day_after.select(
        pl.max_horizontal("created_at", "paid_at", "shipped_at", "received_at", "refunded_at")
    ).to_series()
    assert touched.min() >= moment  # type: ignore[operator]
    assert isinstance(moment, datetime)
