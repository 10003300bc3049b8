"""Within the day: orders and fields against the night's word, on the farm of two villages."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from models.harvest.hour_bands import TRIGGER, fields_out, orders_out, says_more
from pipelines.hour import compare, run_hour
from tests.pipelines.conftest import Farm
from tests.pipelines.test_cutting import CUTOFF, grown, of, tell
from tests.pipelines.test_harvest import KNOWN

pytestmark = pytest.mark.slow

__all__ = ["grown"]
TODAY = CUTOFF + timedelta(days=1)
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 4, tzinfo=UTC)


@pytest.fixture
def night(grown: Farm) -> Farm:
    """A night that forecast 40 kg of beans at most for today, and planned the cutting; beans may wait, so only what is asked is cut."""
    rows = [
        {"run_id": "r", "cutoff": CUTOFF, "product_id": "p-bean", "channel_id": "till", "region_id": "310000",
         "forecast_date": TODAY, "level": q, "demand_kg": kg, "expected_kg": 20.0, "model_version": "m"}
        for q, kg in ((0.1, 5.0), (0.5, 20.0), (0.9, 35.0), (0.95, 40.0))
    ]  # fmt: skip
    grown.wh.append("demand_forecast", pl.DataFrame(rows))
    listing = {"platform": "market", "shop": "till", "seller_sku": "b", "valid_from": date(2025, 1, 1), "product_id": "p-bean",
               "pieces": 1, "net_weight_kg": 1.0, "known_at": KNOWN}  # fmt: skip
    grown.wh.append("listing", pl.DataFrame([listing]))
    patient = {"crop_id": "bean", "hold_days": 60, "hours_per_kg": 0.05, "wait_share_per_day": -0.01, "rain_share": 0.0,
               "source": "own", "known_at": KNOWN}  # fmt: skip
    grown.wh.append("cutting_rule", pl.DataFrame([patient]))
    tell(grown)
    return grown


def order(farm: Farm, kg: int, name: str) -> None:
    line = {
        "platform": "market", "shop": "till", "order_id": name, "line_id": "1", "seller_sku": "b", "quantity": kg,
        "status": "paid", "status_rank": 1, "raw_status": "paid", "paid_at": NOON - timedelta(hours=2), "region_id": "310000",
        "file_id": "f", "known_at": NOON - timedelta(hours=1),
    }  # fmt: skip
    farm.wh.append("order_line", pl.DataFrame([line]))


def look(farm: Farm, now: datetime = NOON) -> str:
    return compare(farm.county, farm.wh, cutoff=CUTOFF, now=now)


def releases(farm: Farm) -> list[str]:
    return sorted(p.parent.name for p in farm.county.releases_dir.glob("*/manifest.json"))


def test_within_the_band_the_plan_stands_and_nothing_is_published(night: Farm) -> None:
    before = of(night, "harvest_recommendation")
    order(night, 30, "small")
    assert look(night) == "within band: the plan stands"
    assert of(night, "harvest_recommendation").equals(before)
    assert releases(night) == []


def test_orders_beyond_the_p95_bring_a_new_plan_with_its_changes_in_a_release(night: Farm) -> None:
    before = of(night, "harvest_recommendation")
    order(night, 300, "large")
    assert "1 out of band" in look(night)
    (name,) = releases(night)
    assert (night.county.releases_dir / "current").read_text().strip() == name
    told = pl.read_parquet(night.county.releases_dir / name / "harvest_trigger.parquet").row(0, named=True)
    assert (told["kind"], told["subject_id"], told["value"], told["limit_of"]) == (
        "orders",
        "bean",
        300.0,
        40.0,
    )
    assert of(night, "cutting_plan")["cause"].to_list() == ["hour"]
    served = of(night, "harvest_serve").filter(pl.col("order_id") == f"order/bean//310000/{TODAY}")
    short = of(night, "harvest_shortfall").filter(pl.col("subject_id") == f"order/bean//310000/{TODAY}")
    assert served["served_kg"].sum() + short["kg"].sum() == pytest.approx(300.0, abs=0.5)
    moved = of(night, "harvest_change")
    after = of(night, "harvest_recommendation")
    keys = ["day", "plot_id", "crop_id"]
    for row in moved.iter_rows(named=True):
        for rows, kg in ((before, row["before_kg"]), (after, row["after_kg"])):
            assert rows.filter([pl.col(k) == row[k] for k in keys])["cut_kg"].sum() == pytest.approx(
                kg, abs=0.01
            )
    soon = moved.filter(pl.col("day") <= TODAY + timedelta(days=2))
    assert soon["after_kg"].sum() - soon["before_kg"].sum() > 200


def test_the_same_orders_an_hour_later_change_nothing_and_more_of_them_do(night: Farm) -> None:
    order(night, 300, "large")
    look(night)
    assert look(night, NOON + timedelta(hours=1)) == "1 out of band, as at the last plan: it stands"
    assert len(releases(night)) == 1
    order(night, 60, "more")
    assert "published" in look(night, NOON + timedelta(hours=2))


def test_without_a_plan_of_last_night_there_is_nothing_to_compare(farm: Farm) -> None:
    farm.wh.close()
    assert "run anxu nightly first" in run_hour(farm.county, now=NOON)


def test_a_plot_to_act_on_today_leaves_its_band_once() -> None:
    today = pl.DataFrame({"plot_id": ["a", "b", "c", "d"], "level": [2, 2, 1, 2]})
    night = pl.DataFrame({"plot_id": ["a", "b", "c"], "level": [0, 2, 0]})
    found = fields_out(today, night)
    assert found.select("subject_id", "value", "limit_of").rows() == [("a", 2.0, 0.0), ("d", 2.0, 0.0)]
    assert says_more(found, pl.DataFrame(schema=TRIGGER))
    assert not says_more(found, found)
    assert says_more(found, found.head(1))


def test_a_crop_without_a_forecast_has_no_band() -> None:
    names = pl.DataFrame({"crop_id": ["bean"], "name_zh": ["豆"], "name_en": ["bean"]})
    kg = pl.DataFrame({"crop_id": ["bean"], "kg": [50.0]})
    assert orders_out(kg, kg.with_columns(kg=40.0), names)["text_zh"][0].startswith("豆：今天已订 50 公斤")
    assert orders_out(kg, kg.with_columns(kg=50.0), names).is_empty()
    assert orders_out(kg, kg.clear(), names).is_empty()
