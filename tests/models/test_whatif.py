"""What-ifs: nothing changed is nothing changed, and what the model learnt of cuts, slots and dips comes back."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from features.assemble import future_frame
from features.calendar import SERIES
from features.panel import DemandTables, Panel, build_panel
from features.plans import Plans, coming
from models.forecasting.demand import DemandModel, DemandParams
from models.forecasting.learning import learn
from models.forecasting.whatif import Book, what_if
from models.forecasting.whatif_effects import by_day, planned_yuan, totals
from models.forecasting.whatif_plans import (
    CampaignChange,
    Changes,
    LiveChange,
    NothingPlannedError,
    PriceChange,
    changed_rows,
)
from models.forecasting.whatif_support import cautions, learnt_ranges, own_history

START = date(2025, 1, 6)
DAYS, HORIZON = 420, 21
CUTOFF = START + timedelta(days=DAYS - 1)
PARAMS = DemandParams(train_days=380, max_rows=12_000, trees=80, leaves=12, least_leaf_rows=20)
LIST, CUT, UPLIFT, DIP = 10.0, 0.3, 2.0, 0.6
EVERY, LONG_DAYS, DIP_DAYS = 24, 3, 7
PLANNED = 5
"""Days after the cutoff on which a campaign is already planned."""


def day(ahead: int) -> date:
    return CUTOFF + timedelta(days=ahead)


def campaigns() -> list[tuple[date, date]]:
    """One of three days every 24 days, and one that is planned."""
    starts = [START + timedelta(days=d) for d in range(20, DAYS - 12, EVERY)]
    return [(s, s + timedelta(days=LONG_DAYS - 1)) for s in [*starts, day(PLANNED)]]


def slots() -> list[tuple[str, date, float | None]]:
    return [
        (f"p{i}", START + timedelta(days=int(d)), 60.0 if d % 2 else None)
        for i in range(3)
        for d in range(7 + i, DAYS + HORIZON, 31)
    ]


def tables() -> DemandTables:
    """Six products in two shops; shop0's campaigns cut the price by 30 %, double sales, and a week of 0.6 follows."""
    rng = np.random.default_rng(3)
    days = DAYS + HORIZON
    effect, cut = np.ones(days), np.zeros(days)
    for first, last in campaigns():
        a, b = (first - START).days, (last - START).days + 1
        effect[a:b], cut[a:b] = UPLIFT, CUT
        effect[b : b + DIP_DAYS] = DIP
    live = np.ones((6, days))
    for product, slot, _ in slots():
        live[int(product[1]), (slot - START).days] = 3.0
    level = np.array([60.0, 40, 30, 25, 20, 15])
    sold, prices = [], []
    for s in range(12):
        product, shop = f"p{s % 6}", f"shop{s // 6}"
        rate = level[s % 6] * (effect * live[s % 6] if shop == "shop0" else np.ones(days))
        kg = rng.poisson(rate[:DAYS])
        sold += [(product, shop, START + timedelta(days=d), float(kg[d])) for d in range(DAYS)]
        price = LIST * (1 - cut if shop == "shop0" else np.ones(days))
        prices += [(product, shop, START + timedelta(days=d), price[d], LIST) for d in range(days)]
    early = START - timedelta(days=60)
    return DemandTables(
        sales=pl.DataFrame(
            sold, schema=["product_id", "channel_id", "sale_date", "sold_kg"], orient="row"
        ).with_columns(region_id=pl.lit("r"), orders=pl.col("sold_kg").cast(pl.Int64)),
        stock_day=pl.DataFrame(
            schema=dict.fromkeys(SERIES, pl.String)
            | {"stock_date": pl.Date, "hours_out_of_stock": pl.Float64}
        ),
        price_day=pl.DataFrame(
            prices,
            schema=["product_id", "channel_id", "price_date", "price_yuan_per_kg", "list_price_yuan_per_kg"],
            orient="row",
        ).with_columns(known_on=early),
        campaign=pl.DataFrame(
            [("shop0", None, a, b, CUT, early) for a, b in campaigns()],
            schema={
                "channel_id": pl.String,
                "presale_from": pl.Date,
                "starts_on": pl.Date,
                "ends_on": pl.Date,
                "discount_share": pl.Float64,
                "known_on": pl.Date,
            },
            orient="row",
        ),
        live_slot=pl.DataFrame(
            [(p, "shop0", d, cap, early) for p, d, cap in slots()],
            schema={
                "product_id": pl.String,
                "channel_id": pl.String,
                "slot_date": pl.Date,
                "allotment_kg": pl.Float64,
                "known_on": pl.Date,
            },
            orient="row",
        ),
        product=pl.DataFrame(
            {"product_id": [f"p{i}" for i in range(6)], "family": ["leaf", "root"] * 3, "launched_on": None},
            schema_overrides={"launched_on": pl.Date},
        ),
    )


@pytest.fixture(scope="module")
def known() -> DemandTables:
    return tables()


@pytest.fixture(scope="module")
def panel(known: DemandTables) -> Panel:
    return build_panel(known, cutoff=CUTOFF, horizon_days=HORIZON)


@pytest.fixture(scope="module")
def model(panel: Panel) -> DemandModel:
    return learn(
        panel,
        last=CUTOFF,
        params=PARAMS,
        horizon_days=HORIZON,
        levels=(0.1, 0.5, 0.9),
        seed=1,
        threads=1,
    )


@pytest.fixture(scope="module")
def book(known: DemandTables, panel: Panel) -> Book:
    plans = coming(Plans(CUTOFF, panel.prices, known.campaign, known.live_slot), last=day(HORIZON))
    rows = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    return Book(rows, plans, own_history(panel, days=380))


@pytest.fixture(scope="module")
def published(model: DemandModel, book: Book) -> pl.DataFrame:
    return model.predict(book.rows)


def rows_of(book: Book, *leaves: tuple[str, str]) -> pl.DataFrame:
    """One case per leaf, in order; a leaf may come twice."""
    return pl.concat(
        book.rows.filter(pl.col("product_id") == product, pl.col("channel_id") == channel).with_columns(
            case=pl.lit(i, pl.UInt32)
        )
        for i, (product, channel) in enumerate(leaves)
    )


def cases_of(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("case", *SERIES).unique(maintain_order=True)


def asked(
    model: DemandModel, book: Book, published: pl.DataFrame, leaf: tuple[str, str], changes: Changes
) -> pl.DataFrame:
    rows = rows_of(book, leaf)
    changed = changed_rows(rows, book.plans, [changes])
    answer = what_if(model, cases_of(rows), rows, changed, published, threads=1)
    return by_day(answer, planned_yuan(rows, book.plans), planned_yuan(changed, book.plans), [changes])


LEAF = ("p1", "shop0")
CAMPAIGN = Changes(campaigns=(CampaignChange(True, day(12), day(14), CUT),))
MILD = Changes(campaigns=(CampaignChange(True, day(12), day(14), 0.25),))


def test_plans_laid_anew_without_a_change_give_the_nights_features(book: Book) -> None:
    leaves = book.rows.select("product_id", "channel_id").unique(maintain_order=True).rows()
    rows = rows_of(book, *leaves)
    assert_frame_equal(changed_rows(rows, book.plans, [Changes()] * len(leaves)), rows, check_exact=True)


@settings(max_examples=8, deadline=None)
@given(
    picked=st.lists(st.integers(0, 11), min_size=1, max_size=6),
    factor=st.sampled_from([0.0, 0.7, 1.0, 1.4]),
)
def test_without_a_change_the_answer_is_what_was_published(
    model: DemandModel, book: Book, published: pl.DataFrame, picked: list[int], factor: float
) -> None:
    leaves = [(f"p{i % 6}", f"shop{i // 6}") for i in picked]
    overridden = published.with_columns(pl.col("demand_kg", "expected_kg") * factor)
    rows = rows_of(book, *leaves)
    changed = changed_rows(rows, book.plans, [Changes()] * len(leaves))
    answer = what_if(model, cases_of(rows), rows, changed, overridden, threads=1)
    assert answer.height == len(leaves) * HORIZON * 3
    for ours, theirs in (("changed_kg", "demand_kg"), ("changed_expected_kg", "expected_kg")):
        assert (answer[ours] - answer[theirs]).abs().max() <= 1e-9
    kept = overridden.join(answer.select(*SERIES).unique(), on=SERIES, how="semi")
    first = answer.filter(pl.col("case") == answer["case"].min()).select(
        *SERIES, "forecast_date", "level", "demand_kg"
    )
    same = first.join(kept, on=[*SERIES, "forecast_date", "level"], how="inner")
    assert (same["demand_kg"] == same["demand_kg_right"]).all()
    assert same.height == first.height


def test_a_campaign_that_doubles_sales_comes_back_with_its_dip(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    days = asked(model, book, published, LEAF, CAMPAIGN)
    by_phase = {
        phase: days.filter(pl.col("phase") == phase)
        .select(pl.col("changed_expected_kg", "expected_kg").sum())
        .row(0)
        for phase in ("before", "event", "after")
    }
    assert by_phase["before"][0] == pytest.approx(by_phase["before"][1])
    changed, usual = by_phase["event"]
    assert 1.6 < changed / usual < 2.4
    dip = days.filter(pl.col("forecast_date").is_between(day(15), day(21)))
    assert 0.45 < dip["changed_expected_kg"].sum() / dip["expected_kg"].sum() < 0.8
    sums = totals(days)
    assert sums["dip_kg"] < 0 < sums["uplift_kg"]
    assert 0.4 < sums["pulled_forward"] < 1.6  # made: 7 days × −0.4 against 3 days × +1
    assert sums["net_kg"] == pytest.approx(
        sums["uplift_kg"] + sums["dip_kg"] + sums["regained_kg"] + sums["other_kg"]
    )


def test_an_override_holds_for_the_changed_forecast_too(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    doubled = published.with_columns(pl.col("demand_kg", "expected_kg") * 2.0)
    once, twice = (asked(model, book, night, LEAF, CAMPAIGN) for night in (published, doubled))
    for column in ("expected_kg", "changed_expected_kg"):
        assert twice[column].to_list() == pytest.approx((once[column] * 2).to_list())


def test_a_night_that_took_a_baseline_is_changed_in_the_models_proportion(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    flat = published.with_columns(
        demand_kg=pl.lit(5.0), expected_kg=pl.lit(5.0), fallback_reason=pl.lit("lost_to_naive_4")
    )
    ours, naive = (asked(model, book, night, LEAF, CAMPAIGN) for night in (published, flat))
    ratio = (ours["changed_expected_kg"] / ours["expected_kg"]).to_list()
    assert (naive["changed_expected_kg"] / 5.0).to_list() == pytest.approx(ratio)
    rows = changed_rows(rows_of(book, LEAF), book.plans, [CAMPAIGN])
    found = cautions(rows, CAMPAIGN, book.plans, book.seen, learnt_ranges(model), "lost_to_naive_4")
    assert found[0].kind == "on_baseline"


def test_a_campaign_cuts_the_price_it_is_sold_at(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    days = asked(model, book, published, LEAF, CAMPAIGN).filter(pl.col("phase") == "event")
    assert days["yuan_per_kg"].to_list() == pytest.approx([LIST] * 3, abs=1e-3)
    assert days["changed_yuan_per_kg"].to_list() == pytest.approx([LIST * (1 - CUT)] * 3, abs=1e-3)
    sums = totals(days)
    assert sums["changed_yuan"] == pytest.approx(sums["changed_kg"] * 7.0, rel=1e-3)


def test_a_campaign_taken_away_takes_its_uplift_and_gives_back_its_dip(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    gone = Changes(
        prices=(PriceChange(day(5), day(7), LIST),), campaigns=(CampaignChange(False, day(5), day(7)),)
    )
    sums = totals(asked(model, book, published, LEAF, gone))
    assert sums["uplift_kg"] < 0 < sums["regained_kg"]
    assert sums["dip_kg"] == 0
    assert sums["pulled_forward"] is None


def test_a_live_slot_lifts_its_day_and_no_other(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    slot = Changes(live=(LiveChange(True, day(17)),))
    days = asked(model, book, published, LEAF, slot)
    lifted = days.filter(pl.col("forecast_date") == day(17))
    assert 1.5 < lifted["changed_expected_kg"][0] / lifted["expected_kg"][0] < 4
    others = days.filter(pl.col("forecast_date") != day(17))
    assert others["changed_expected_kg"].to_list() == pytest.approx(others["expected_kg"].to_list())


def test_one_series_with_two_prices_is_two_cases(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    asks = [Changes(prices=(PriceChange(day(15), day(16), price),)) for price in (LIST, 7.0)]
    rows = rows_of(book, LEAF, LEAF)
    answer = what_if(model, cases_of(rows), rows, changed_rows(rows, book.plans, asks), published, threads=1)
    kg = {case: frame["changed_expected_kg"].sum() for (case,), frame in answer.group_by("case")}
    assert kg[1] > kg[0]


def test_quantiles_of_a_changed_forecast_do_not_cross(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    rows = rows_of(book, LEAF, ("p5", "shop0"))
    answer = what_if(
        model, cases_of(rows), rows, changed_rows(rows, book.plans, [CAMPAIGN] * 2), published, threads=1
    )
    steps = answer.group_by("case", "forecast_date", maintain_order=True).agg(
        pl.col("changed_kg").diff().min()
    )
    assert (steps["changed_kg"] >= 0).all()
    assert (answer["changed_kg"] >= 0).all()


def test_a_series_the_night_had_no_rows_for_stays_as_published(
    model: DemandModel, book: Book, published: pl.DataFrame
) -> None:
    rows = rows_of(book, LEAF)
    none = rows.clear()
    changed = changed_rows(none, book.plans, [CAMPAIGN])
    answer = what_if(model, cases_of(rows), none, changed, published, threads=1)
    assert answer.height == HORIZON * 3
    assert answer["changed_kg"].to_list() == answer["demand_kg"].to_list()
    (caution,) = cautions(changed, CAMPAIGN, book.plans, book.seen, learnt_ranges(model), "never_sold")
    assert (caution.kind, caution.what) == ("stand_in", "never_sold")


def test_an_event_that_is_not_planned_cannot_be_taken_away(book: Book) -> None:
    rows = rows_of(book, ("p1", "shop1"))
    with pytest.raises(NothingPlannedError, match="no campaign of channel 'shop1' is planned between"):
        changed_rows(rows, book.plans, [Changes(campaigns=(CampaignChange(False, day(5), day(7)),))])
    with pytest.raises(NothingPlannedError, match="no live-stream slot of 'p1' in channel 'shop1'"):
        changed_rows(rows, book.plans, [Changes(live=(LiveChange(False, day(2)),))])


def kinds(model: DemandModel, book: Book, leaf: tuple[str, str], changes: Changes) -> dict[str, object]:
    rows = changed_rows(rows_of(book, leaf), book.plans, [changes])
    return {c.kind: c for c in cautions(rows, changes, book.plans, book.seen, learnt_ranges(model))}


@pytest.mark.parametrize(
    ("leaf", "changes", "told", "silent"),
    [
        (LEAF, Changes(), set(), {"no_after_effect"}),
        (LEAF, CAMPAIGN, set(), {"outside_seen_range", "outside_own_range", "no_own_campaign"}),
        (("p1", "shop1"), MILD, {"no_own_campaign", "outside_own_range"}, {"outside_seen_range"}),
        (LEAF, Changes(prices=(PriceChange(day(3), day(3), 2.0),)), {"outside_seen_range"}, set()),
        (LEAF, Changes(prices=(PriceChange(day(3), day(3), off_list=0.3),)), set(), {"outside_seen_range"}),
        (LEAF, Changes(live=(LiveChange(True, day(9)),)), {"no_after_effect"}, {"no_own_live"}),
        (LEAF, Changes(campaigns=(CampaignChange(True, day(12), day(13), 0.9),)), {"outside_seen_range"}, set()),
        (LEAF, Changes(campaigns=(CampaignChange(True, day(12), day(13), 0.3, day(9)),)), {"presale_not_learnt"}, set()),
        (("p5", "shop0"), Changes(live=(LiveChange(True, day(9)),)), {"no_own_live"}, {"live_not_learnt"}),
    ],
)  # fmt: skip
def test_an_answer_says_what_it_does_not_rest_on(
    model: DemandModel, book: Book, leaf: tuple[str, str], changes: Changes, told: set[str], silent: set[str]
) -> None:
    found = set(kinds(model, book, leaf, changes))
    assert told <= found
    assert not silent & found


def test_a_price_never_seen_is_named_with_the_range(model: DemandModel, book: Book) -> None:
    found = kinds(model, book, LEAF, Changes(prices=(PriceChange(day(3), day(3), 2.0),)))
    caution = found["outside_own_range"]
    assert (caution.value, caution.low, caution.high) == pytest.approx((2.0, 7.0, 10.0))  # type: ignore[attr-defined]


def test_a_kind_of_event_that_training_never_held_is_said_to_be_unknown(known: DemandTables) -> None:
    quiet = replace(known, live_slot=known.live_slot.clear(), campaign=known.campaign.clear())
    panel = build_panel(quiet, cutoff=CUTOFF, horizon_days=HORIZON)
    few = replace(PARAMS, trees=5, max_rows=3000)
    model = learn(panel, last=CUTOFF, params=few, horizon_days=HORIZON, levels=(0.5,), seed=1, threads=1)
    rows = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    book = Book(
        rows,
        coming(Plans(CUTOFF, panel.prices, quiet.campaign, quiet.live_slot), last=day(HORIZON)),
        own_history(panel, days=380),
    )
    assert "live_not_learnt" in kinds(model, book, LEAF, Changes(live=(LiveChange(True, day(3)),)))
    assert "campaign_not_learnt" in kinds(model, book, LEAF, CAMPAIGN)
