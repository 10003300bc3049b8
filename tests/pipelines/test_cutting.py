"""The cutting plan of the night on the farm of two villages: read, solved, told, written."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from pipelines.harvest import foresee_harvest
from tests.pipelines.conftest import Farm
from tests.pipelines.test_harvest import CROPS, KNOWN, weather

CUTOFF = date(2025, 7, 8)
MORE = {
    "crop": CROPS,
    "product": "product_id,name_zh,name_en,family\np-bean,豆,bean,beans\n",
    "product_crop": "product_id,crop_id,crop_kg_per_product_kg,source\np-bean,bean,1,test\n",
    "crew": "crew_id,place_id,workers,hours_per_day\nk,va,4,8\n",
    "cold_room": "cold_room_id,place_id,capacity_kg\nw,va,5000\n",
    "transit": "from_id,to_id,hours\nva,vb,0.5\nva,310000,20\n",
    "commitment": "commitment_id,kind,crop_id,quantity_kg,due_from,due_to,price_yuan_per_kg\n"
    "c1,contract,bean,400,2025-07-12,2025-07-15,3\n",
    "daily_sale": "product_id,channel_id,region_id,sale_date,sold_kg\np-bean,till,310000,2025-07-01,5\n",
}


@pytest.fixture
def grown(farm: Farm) -> Farm:
    """Beans that ripen about now, weather to the cutoff, one crew and one cold room."""
    farm.fill(**MORE)
    station = {"station_id": "s", "name": "s", "lat_deg": 31.0, "lon_deg": 120.0, "known_at": KNOWN}
    farm.wh.append("weather_station", pl.DataFrame([station]))
    farm.wh.append("weather_observed", weather(CUTOFF))
    return farm


def tell(farm: Farm) -> str:
    return foresee_harvest(farm.county, farm.wh, cutoff=CUTOFF, run_id="r", now=KNOWN)


def of(farm: Farm, table: str) -> pl.DataFrame:
    return farm.of(table, CUTOFF)


def test_without_a_crew_there_is_no_cutting_plan(farm: Farm) -> None:
    farm.fill(**{k: v for k, v in MORE.items() if k != "crew"})
    assert "no cutting plan: nothing ripens, or no crew or no cold room is known" in tell(farm)
    assert of(farm, "cutting_plan").is_empty()


def test_a_promise_is_served_by_a_cut_that_says_so(grown: Farm) -> None:
    assert "100% of 400 kg promised kept" in tell(grown)
    plan = of(grown, "cutting_plan").row(0, named=True)
    assert (plan["first_day"], plan["cause"], plan["status"]) == (
        CUTOFF + timedelta(days=1),
        "night",
        "optimal",
    )
    assert plan["kept_kg"] == pytest.approx(400, abs=0.1)
    cuts = of(grown, "harvest_recommendation")
    assert cuts["promised_kg"].sum() == pytest.approx(400, rel=0.01)
    assert (cuts["cut_kg"] - cuts["promised_kg"] - cuts["expected_kg"] - cuts["other_kg"]).abs().max() < 0.01  # type: ignore[operator]
    assert cuts["recommendation_id"].is_unique().all()
    assert (cuts["crew_id"] == "k").all()
    reasons = of(grown, "harvest_reason")
    assert set(cuts["recommendation_id"]) == set(reasons["recommendation_id"])
    first = cuts.filter(pl.col("promised_kg") > 1)["recommendation_id"][0]
    told = reasons.filter(pl.col("recommendation_id") == first, pl.col("kind") == "promise")
    assert "公斤供已付款订单和已承诺的交付" in told["text_zh"][0]
    serves = of(grown, "harvest_serve").filter("is_promised")
    assert serves["order_id"].str.starts_with("promise/c1/").all()


def test_a_promise_of_what_is_not_ripe_is_named_with_its_cause(grown: Farm) -> None:
    far = {"commitment_id": "c2", "kind": "contract", "crop_id": "kale", "quantity_kg": 50.0, "due_from": CUTOFF,
           "due_to": CUTOFF + timedelta(days=3), "known_at": KNOWN}  # fmt: skip
    grown.wh.append("commitment", pl.DataFrame([far]))
    tell(grown)
    short = of(grown, "harvest_shortfall").filter(pl.col("kind") == "order")
    assert set(short["cause"]) == {"not_ripe"}
    assert short["kg"].sum() == pytest.approx(50.0 * 3 / 4)


def test_a_crew_is_never_asked_for_more_hours_than_it_has(grown: Farm) -> None:
    tell(grown)
    loads = of(grown, "harvest_load")
    assert set(loads["kind"]) == {"crew", "cold_room"}
    assert (loads["used"] <= loads["limit_of"] + 1e-3).all()
    hours = of(grown, "harvest_recommendation").group_by("day").agg(pl.col("crew_hours").sum())
    assert (hours["crew_hours"] <= 32 + 1e-3).all()


def test_what_the_co_operative_says_of_a_crop_counts(grown: Farm) -> None:
    rule = {"crop_id": "bean", "hours_per_kg": 1.0, "source": "own", "known_at": KNOWN}
    grown.wh.append("cutting_rule", pl.DataFrame([rule]))
    tell(grown)
    cuts = of(grown, "harvest_recommendation")
    assert (cuts["crew_hours"] >= cuts["cut_kg"]).all()


def test_a_night_run_twice_writes_the_same_plan(grown: Farm) -> None:
    tell(grown)
    first = of(grown, "harvest_recommendation")
    tell(grown)
    assert of(grown, "harvest_recommendation").equals(first)


def test_orders_not_shipped_are_promised_first(grown: Farm) -> None:
    paid = datetime(2025, 7, 8, 3, tzinfo=UTC)
    line = {
        "platform": "market", "shop": "till", "order_id": "1", "line_id": "1", "seller_sku": "b", "quantity": 30, "status": "paid",
        "status_rank": 1, "raw_status": "paid", "paid_at": paid, "region_id": "310000", "file_id": "f", "known_at": paid,
    }  # fmt: skip
    listing = {"platform": "market", "shop": "till", "seller_sku": "b", "valid_from": date(2025, 1, 1), "product_id": "p-bean",
               "pieces": 1, "net_weight_kg": 1.0, "known_at": KNOWN}  # fmt: skip
    grown.wh.append("listing", pl.DataFrame([listing]))
    grown.wh.append("order_line", pl.DataFrame([line]))
    tell(grown)
    asked = pl.concat(
        [
            of(grown, "harvest_serve").filter("is_promised").select("order_id", kg="served_kg"),
            of(grown, "harvest_shortfall").filter("is_promised").select(order_id="subject_id", kg="kg"),
        ]
    ).filter(pl.col("order_id").str.starts_with("order/"))
    assert asked["order_id"].unique().to_list() == ["order/bean//310000/2025-07-08"]
    assert asked["kg"].sum() == pytest.approx(30.0, abs=0.1)
