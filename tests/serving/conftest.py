"""A small published county: two products, two channels, two regions, three plots."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from models.evaluation.value_added import STEPS, value_added
from serving.app import create_app
from settings import Settings
from tests.serving.harvest_rows import harvest_rows
from warehouse.release import write_release

CUTOFF = date(2026, 5, 3)
NIGHT = datetime(2026, 5, 3, 22, 0, tzinfo=UTC)
LEVELS = (0.1, 0.5, 0.9)
SERIES_KEYS = ("product_id", "channel_id", "region_id")
SERIES = [
    ("rice-5kg", "taobao-1", "shanghai"),
    ("rice-5kg", "taobao-1", "zhejiang"),
    ("rice-5kg", "douyin-1", "shanghai"),
    ("crab", "douyin-1", "shanghai"),
]

Publish = Callable[..., Path]


def forecast_rows(days: int = 14) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "run_id": "r1",
                "cutoff": CUTOFF,
                "product_id": product,
                "channel_id": channel,
                "region_id": region,
                "forecast_date": CUTOFF + timedelta(days=ahead),
                "level": level,
                "demand_kg": 10.0 * (i + 1) + ahead + 4 * level,
                "expected_kg": 10.0 * (i + 1) + ahead + 3.5,
                "model_version": "demand-7",
                "fallback_reason": "too few sales days: 12 < 56" if product == "crab" else None,
            }
            for i, (product, channel, region) in enumerate(SERIES)
            for ahead in range(1, days + 1)
            for level in LEVELS
        ],
        infer_schema_length=None,
    )


def season_rows() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "cutoff": CUTOFF,
                "family": "rice",
                "channel_id": "taobao-1",
                "region_id": "shanghai",
                "week_start": date(2026, 5, 4) + timedelta(weeks=week),
                "level": level,
                "demand_kg": 100.0 + week + level,
                "model_version": "season-2",
                "fallback_reason": None,
            }
            for week in range(4)
            for level in LEVELS
        ],
        infer_schema_length=None,
    )


def history_rows() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "product_id": p,
                "channel_id": c,
                "region_id": r,
                "sale_date": CUTOFF - timedelta(days=d),
                "sold_kg": 12.0,
            }
            for p, c, r in SERIES
            for d in range(60)
        ]
    )


def planting_rows() -> dict[str, pl.DataFrame]:
    lines = [
        ("V1-1/2026/1/rice", "V1-1", "rice-single", "rice", 8.0, 4000.0, 9000.0),
        ("V1-2/2026/1/rice", "V1-2", "rice-single", "rice", 6.0, 3000.0, 6500.0),
        ("V2-1/2026/2/crab", "V2-1", "rice-crab", "crab", 4.5, 180.0, 12000.0),
    ]
    common = {"run_id": "r1", "cutoff": CUTOFF}
    balance = [("rice", 9000.0, 7000.0, 7000.0, 0.0, 2000.0), ("crab", 150.0, 180.0, 150.0, 30.0, 0.0)]
    return {
        "planting_plan": pl.DataFrame(
            [
                {
                    **common,
                    "first_year": 2026,
                    "last_year": 2028,
                    "status": "optimal",
                    "profit_yuan": 27500.0,
                    "bound_yuan": 27500.0,
                    "gap": 0.0,
                    "rules_broken": 0,
                }
            ]
        ),
        "planting_recommendation": pl.DataFrame(
            [
                {
                    **common,
                    "recommendation_id": key,
                    "plot_id": plot,
                    "practice_id": practice,
                    "crop_id": crop,
                    "year": 2026,
                    "season": int(key.split("/")[2]),
                    "area_mu": mu,
                    "expected_kg": kg,
                    "expected_profit_yuan": yuan,
                    "demand_source": "forecast",
                }
                for key, plot, practice, crop, mu, kg, yuan in lines
            ]
        ),
        "planting_balance": pl.DataFrame(
            [
                {
                    **common,
                    "crop_id": crop,
                    "year": 2026,
                    "season": 1,
                    "demand_kg": demand,
                    "committed_kg": 0.0,
                    "supply_kg": supply,
                    "sold_kg": sold,
                    "surplus_kg": surplus,
                    "unserved_kg": unserved,
                    "demand_source": "forecast",
                }
                for crop, demand, supply, sold, surplus, unserved in balance
            ]
        ),
        "recommendation_reason": pl.DataFrame(
            [
                {
                    "recommendation_id": key,
                    "rank": rank,
                    "kind": kind,
                    "text_zh": zh,
                    "text_en": en,
                    "value_yuan": 120.0,
                }
                for key, *_ in lines
                for rank, kind, zh, en in (
                    (1, "limit", "受水田面积限制", "limited by paddy area"),
                    (2, "next_best", "次优:玉米", "next best: maize"),
                )
            ]
        ),
    }


def bestseller_rows() -> dict[str, pl.DataFrame]:
    call = {
        "run_id": "r1",
        "cutoff": CUTOFF,
        "decision_on": CUTOFF,
        "window_from": CUTOFF + timedelta(days=1),
        "window_to": CUTOFF + timedelta(days=57),
        "top_share": 0.2,
        "base_rate": 0.2,
        "rank_in_category": 1,
        "low_yuan": 400.0,
        "high_yuan": 2000.0,
        "lead_days": 56,
    }
    launch = {"question": "launch", "subject_id": "rice-5kg", "name": "大米5公斤", "category": "all"}
    listing = {"question": "listing", "subject_id": "c-1", "name": "<img src=x>", "category": "honey"}
    told = {"probability": 0.61, "expected_yuan": 1200.0, "expected_margin_yuan": 310.0}
    blank = {"probability": None, "expected_yuan": 90.0, "expected_margin_yuan": None}
    model = {"model_version": "bestseller-day28-20260503", "fallback_reason": "few_launches:3"}
    likes = {"model_version": "like_products", "fallback_reason": "like_products_all:4"}
    answer = {
        "run_id": "r1",
        "cutoff": CUTOFF,
        "recommendation_id": "launch/rice-5kg",
        **{k: launch[k] for k in ("question", "subject_id", "name")},
        "answer": "keep",
        "first_quantity_packs": 40.0,
        "first_quantity_kg": 200.0,
        "expected_leftover_kg": 20.0,
        "expected_margin_yuan": 310.0,
        "yuan_at_risk": 500.0,
        "service_share": 0.6,
        "commit_kind": "packs",
        "commit_quantity": 40.0,
        "commit_by": CUTOFF,
        "crop_id": "rice",
        "text_zh": "首批 40 份",
        "text_en": "first quantity 40 packs",
    }
    score = {
        "cutoff": CUTOFF,
        "question": "launch",
        "calls": 10,
        "called": 2,
        "hits": 1,
        "false_alarms": 1,
        "missed": 1,
        "base_rate": 0.2,
        "false_alarm_yuan": 150.0,
        "lead_days_median": 56.0,
    }
    return {
        "bestseller_forecast": pl.DataFrame(
            [{**call, **listing, **blank, **likes}, {**call, **launch, **told, **model}]
        ),
        "bestseller_reason": pl.DataFrame(
            [
                {"question": "launch", "subject_id": "rice-5kg", "place": place, "theme": theme, "effect": effect,
                 "text_zh": "势头在上升", "text_en": "Sales grow"}
                for place, theme, effect in ((2, "price", -0.1), (1, "trend", 0.4))
            ]
        ),
        "selection_recommendation": pl.DataFrame([answer]),
        "bestseller_score": pl.DataFrame([score]),
    }  # fmt: skip


def thing_rows() -> dict[str, pl.DataFrame]:
    return {
        "product": pl.DataFrame(
            {
                "product_id": ["rice-5kg", "crab", "<b>new</b>"],
                "name_zh": ["大米5公斤", "大闸蟹", "<script>alert(1)</script>"],
                "name_en": ["Rice 5 kg", "Hairy crab", "<script>alert(2)</script>"],
                "family": ["rice", "crab", "other"],
            }
        ),
        "product_crop": pl.DataFrame(
            {
                "product_id": ["rice-5kg", "crab"],
                "crop_id": ["rice", "crab"],
                "crop_kg_per_product_kg": [1.5, 1.0],
            }
        ),
        "crop": pl.DataFrame(
            {"crop_id": ["rice", "crab"], "name_zh": ["水稻", "河蟹"], "name_en": ["Rice", "Hairy crab"]}
        ),
        "channel": pl.DataFrame(
            {
                "channel_id": ["taobao-1", "douyin-1"],
                "name": ["淘宝店", "抖音店"],
                "platform": ["taobao", "douyin"],
            }
        ),
        "region": pl.DataFrame({"region_id": ["shanghai", "zhejiang"], "name": ["上海市", "浙江省"]}),
        "place": pl.DataFrame(
            {
                "place_id": ["V1", "V2"],
                "name": ["河东村", "河西村"],
                "kind": ["village"] * 2,
                "parent_id": ["T1"] * 2,
            }
        ),
        "plot": pl.DataFrame(
            {
                "plot_id": ["V1-1", "V1-2", "V2-1"],
                "place_id": ["V1", "V1", "V2"],
                "land_class": ["paddy"] * 3,
                "area_mu": [8.0, 6.0, 4.5],
                "lat_deg": [31.1, 31.12, 31.15],
                "lon_deg": [120.6, 120.62, 120.7],
            }
        ),
    }


def night_rows() -> dict[str, pl.DataFrame]:
    run = {
        "run_id": "r1",
        "flow": "nightly",
        "cutoff": CUTOFF,
        "started_at": NIGHT,
        "finished_at": NIGHT + timedelta(minutes=2),
        "status": "completed",
        "detail": "",
    }
    steps = ["ingest", "forecast", "plan", "publish"]
    scores = [
        (method, metric, v)
        for metric, a, b in (("wape", 0.31, 0.42), ("bias", 0.02, -0.01))
        for method, v in (("anxu", a), ("seasonal_naive", b))
    ]
    return {
        "run": pl.DataFrame([run]),
        "run_step": pl.DataFrame(
            [
                {
                    "run_id": "r1",
                    "step": step,
                    "started_at": NIGHT + timedelta(seconds=20 * i),
                    "finished_at": None if step == "publish" else NIGHT + timedelta(seconds=20 * i + 15),
                    "status": "running" if step == "publish" else "completed",
                    "detail": f"{step} done",
                }
                for i, step in enumerate(steps)
            ]
        ),
        "forecast_score": pl.DataFrame(
            [
                {
                    "run_id": "r1",
                    "cutoff": CUTOFF,
                    "scored_cutoff": CUTOFF - timedelta(days=28),
                    "segment": "all",
                    "lead_days": "all",
                    "metric": metric,
                    "method": method,
                    "value": value,
                }
                for method, metric, value in scores
            ]
        ),
        "load_summary": pl.DataFrame(
            [
                {
                    "name": "orders-0503.csv",
                    "kind": "orders",
                    "rows_read": 1200,
                    "rows_taken": 1100,
                    "rows_unchanged": 60,
                    "rows_dropped": 30,
                    "rows_rejected": 10,
                    "arrived_at": NIGHT,
                }
            ]
        ),
        "rejected_summary": pl.DataFrame(
            {
                "kind": ["orders"],
                "rule": ["quantity_positive"],
                "lines": [10],
                "example_detail": ["quantity -3 is below 1"],
                "example_at": ["orders-0503.csv:17"],
            }
        ),
        "rejected_row": pl.DataFrame(
            [
                {
                    "file_id": "f1",
                    "file_name": "orders-0503.csv",
                    "kind": "orders",
                    "table_name": "order_line",
                    "line_number": 17,
                    "rule": "quantity_positive",
                    "detail": "quantity -3 is below 1",
                    "row_text": '{"quantity": "-3", "note": "<img src=x>"}',
                    "rejected_at": NIGHT,
                }
            ]
        ),
        "unmapped_sales": pl.DataFrame(
            {
                "platform": ["taobao"],
                "shop": ["s1"],
                "seller_sku": ["=HYPERLINK(1)"],
                "title": ["<img src=x onerror=alert(1)>"],
                "lines": [40],
                "goods_yuan": [5200.0],
                "missing": ["listing"],
            }
        ),
        "sensor_state": pl.DataFrame(
            {
                "sensor_id": ["s-1", "s-2"],
                "plot_id": ["V1-1", "V2-1"],
                "quantity": ["soil_vwc", "soil_vwc"],
                "last_at": [NIGHT, NIGHT - timedelta(hours=70)],
                "last_value": [0.31, 0.0],
                "flagged_30d": [3, 600],
                "readings_30d": [720, 650],
            }
        ),
    }


def judged_rows() -> dict[str, pl.DataFrame]:
    wql = {"all": (0.8, 0.5, 0.45, 0.5), "channel:taobao-1": (0.7, 0.6, 0.6, 0.6)}
    rows = [
        (segment, "1-7", metric, step, value * scale, 700, 4, CUTOFF, CUTOFF)
        for segment, values in wql.items()
        for step, value in zip(STEPS, values, strict=True)
        for metric, scale in (("wql", 1.0), ("wape", 1.2), ("bias", 0.1))
    ]
    names = [
        "segment",
        "lead_days",
        "metric",
        "method",
        "value",
        "rows_scored",
        "forecasts",
        "first_cutoff",
        "last_cutoff",
    ]
    accuracy = pl.DataFrame(rows, schema=names, orient="row")
    node = {"node": "product_channel", "product_id": "rice-5kg", "channel_id": "taobao-1", "region_id": None,
            "state": "baseline", "since": CUTOFF, "lost_origins": 4, "counted_origins": 9}  # fmt: skip
    override = {"override_id": "o1", "product_id": "rice-5kg", "channel_id": None, "region_id": None, "starts_on": CUTOFF,
                "ends_on": CUTOFF, "factor": 1.5, "author": "<b>wang</b>", "reason": "school feast", "forecasts": 2, "days": 6,
                "sold_kg": 60.0, "before_wql": 0.5, "after_wql": 0.4, "gain_kg": 6.0, "is_better": True}  # fmt: skip
    season = {"segment": "all", "lead_weeks": 12, "source": "backtest", "metric": "wql", "method": "anxu", "value": 0.4,
              "rows_scored": 40, "forecasts": 1}  # fmt: skip
    return {
        "forecast_accuracy": accuracy,
        "forecast_value_added": value_added(accuracy),
        "node_status": pl.DataFrame(
            [node, node | {"node": "series", "region_id": "shanghai", "state": "model"}]
        ),
        "override_value": pl.DataFrame([override]),
        "season_accuracy": pl.DataFrame([season]),
    }


def whole_county() -> dict[str, pl.DataFrame]:
    return {
        "demand_forecast": (forecast := forecast_rows()),
        "demand_expected": forecast.select(*SERIES_KEYS, "forecast_date", "expected_kg").unique(
            maintain_order=True
        ),
        "season_forecast": season_rows(),
        "history_daily": history_rows(),
        **planting_rows(),
        **bestseller_rows(),
        **thing_rows(),
        **night_rows(),
        **judged_rows(),
        **harvest_rows(CUTOFF),
    }


def before_means(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same county as an older release held it: without expected kilograms."""
    older = {name: frame for name, frame in tables.items() if name != "demand_expected"}
    return older | {"demand_forecast": tables["demand_forecast"].drop("expected_kg")}


@pytest.fixture
def older(county: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The small county without expected kilograms."""
    return before_means(county)


@pytest.fixture
def county() -> dict[str, pl.DataFrame]:
    """The tables of the small county; a test may change them before publishing."""
    return whole_county()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county")


def put_release(releases: Path, name: str, tables: Mapping[str, pl.DataFrame]) -> Path:
    """Publish tables as the run `name`; the release is called after cutoff and run."""
    return write_release(releases, run_id=name, cutoff=CUTOFF, created_at=NIGHT, tables=tables)


@pytest.fixture
def publish(settings: Settings) -> Publish:
    """Publish tables as a release of the test's own county."""
    return partial(put_release, settings.releases_dir)


def point_to(releases: Path, release_id: str) -> None:
    """Move the pointer without asking whether the release is there."""
    beside = releases / "current.other"
    beside.write_text(release_id, "utf-8")
    beside.replace(releases / "current")


@pytest.fixture
def point(settings: Settings) -> Callable[[str], None]:
    """Move the pointer, as publishing does: by rename."""
    return partial(point_to, settings.releases_dir)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Where the county of `client` is."""
    return Settings(home=tmp_path_factory.mktemp("county"))


@pytest.fixture(scope="module")
def client(shared: Settings) -> Iterator[TestClient]:
    """The service over the small county, release '2026-05-03-r1'; shared by a file's tests, which leave it as it is."""
    put_release(shared.releases_dir, "r1", whole_county())
    with TestClient(create_app(shared)) as client:
        yield client


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service over a release without any table."""
    settings = Settings(home=tmp_path_factory.mktemp("bare"))
    put_release(settings.releases_dir, "bare", {})
    with TestClient(create_app(settings)) as client:
        yield client
