"""What-ifs through the API: a release with a real, small model, its answers and its refusals."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from features.assemble import future_frame
from features.panel import DemandTables, build_panel
from models.forecasting.demand import DemandParams
from models.forecasting.learning import learn
from models.forecasting.whatif_support import KINDS
from pipelines.whatif_files import keep_book
from serving import schemas_whatif as shapes
from serving.app import create_app
from serving.reads import whatif as reads
from settings import Settings
from warehouse.release import ModelFile, write_release

CUTOFF = date(2026, 5, 3)
DAYS, HORIZON = 260, 21
START = CUTOFF - timedelta(days=DAYS - 1)
LEAF = {"product_id": "rice-5kg", "channel_id": "taobao-1", "region_id": "shanghai"}
SERIES = [("rice-5kg", c, r) for c in ("taobao-1", "douyin-1") for r in ("shanghai", "zhejiang")]
SERIES += [("crab", "douyin-1", "shanghai")]
PARAMS = DemandParams(train_days=220, max_rows=4000, trees=40, leaves=8, least_leaf_rows=15)


def ahead(days: int) -> date:
    return CUTOFF + timedelta(days=days)


def tables() -> DemandTables:
    """Five series; every 20 days three days of campaign at 8 instead of 10 yuan that double sales, then a poor week."""
    rng = np.random.default_rng(1)
    starts = [START + timedelta(days=d) for d in range(15, DAYS - 10, 20)]
    effect, price = np.ones(DAYS), np.full(DAYS + HORIZON, 10.0)
    for first in starts:
        a = (first - START).days
        effect[a : a + 3], price[a : a + 3] = 2.0, 8.0
        effect[a + 3 : a + 10] = 0.6
    sold = [
        (*key, START + timedelta(days=d), float(kg))
        for key, level in zip(SERIES, (50, 30, 40, 20, 10), strict=True)
        for d, kg in enumerate(rng.poisson(level * effect))
    ]
    pairs = sorted({(p, c) for p, c, _ in SERIES})
    asked = [(*k, START + timedelta(days=d), price[d]) for k in pairs for d in range(DAYS + HORIZON)]
    keys, early = ["product_id", "channel_id"], pl.lit(START - timedelta(days=40))
    plan = {"product_id": pl.String, "channel_id": pl.String, "known_on": pl.Date}
    return DemandTables(
        sales=pl.DataFrame(
            sold, schema=[*keys, "region_id", "sale_date", "sold_kg"], orient="row"
        ).with_columns(orders=pl.col("sold_kg").cast(pl.Int64)),
        stock_day=pl.DataFrame(
            schema=dict.fromkeys([*keys, "region_id"], pl.String)
            | {"stock_date": pl.Date, "hours_out_of_stock": pl.Float64}
        ),
        price_day=pl.DataFrame(
            asked, schema=[*keys, "price_date", "price_yuan_per_kg"], orient="row"
        ).with_columns(list_price_yuan_per_kg=pl.lit(10.0), known_on=early),
        campaign=pl.DataFrame(
            {"starts_on": starts, "ends_on": [s + timedelta(days=2) for s in starts]}
        ).with_columns(
            channel_id=pl.lit("*"),
            presale_from=pl.lit(None, pl.Date),
            discount_share=pl.lit(0.2),
            known_on=early,
        ),
        live_slot=pl.DataFrame(schema=plan | {"slot_date": pl.Date, "allotment_kg": pl.Float64}),
        product=pl.DataFrame(
            {"product_id": ["rice-5kg", "crab"], "family": ["rice", "crab"], "launched_on": None},
            schema_overrides={"launched_on": pl.Date},
        ),
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A county whose release carries a model, its feature rows and plans."""
    settings = Settings(home=tmp_path_factory.mktemp("county"), horizon_days=HORIZON, threads=1)
    known = tables()
    panel = build_panel(known, cutoff=CUTOFF, horizon_days=HORIZON)
    model = learn(
        panel,
        last=CUTOFF,
        params=PARAMS,
        horizon_days=HORIZON,
        levels=(0.1, 0.5, 0.9),
        seed=1,
        threads=1,
    )
    future = future_frame(panel, origin=CUTOFF, horizon_days=HORIZON)
    files = [
        ModelFile(path.name, path, "demand-1")
        for path in sorted(keep_book(settings, known, panel, future).iterdir())
    ]
    for name, text in model.to_files().items():
        path = settings.home / name
        path.write_text(text, "utf-8")
        files.append(ModelFile(f"demand{path.suffix}", path, "demand-1"))
    forecast = model.predict(future).with_columns(
        cutoff=pl.lit(CUTOFF), run_id=pl.lit("r1"), model_version=pl.lit("demand-1")
    )
    overridden = pl.when(pl.col("product_id") == "crab").then(1.5).otherwise(1.0)
    forecast = forecast.with_columns(pl.col("demand_kg", "expected_kg") * overridden)
    history = known.sales.select("product_id", "channel_id", "region_id", "sale_date", "sold_kg")
    write_release(
        settings.releases_dir,
        run_id="r1",
        cutoff=CUTOFF,
        created_at=datetime(2026, 5, 4, tzinfo=UTC),
        tables={"demand_forecast": forecast, "history_daily": history},
        model_files=files,
    )
    return settings


@pytest.fixture(scope="module")
def client(home: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(home)) as client:
        yield client


def manual() -> list[tuple[str, str]]:
    """Path and body of every POST the manual shows, but those about plans: other tests ask them."""
    text = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
    found = re.findall(r"curl -X POST http://127.0.0.1:8000(\S+) .*?-d '(.*?)'", text, re.DOTALL)
    return [(path, sent) for path, sent in found if path in ("/v1/what-if", "/v1/overrides")]


@pytest.mark.parametrize(("path", "sent"), manual())
def test_the_examples_of_the_manual_are_answered(client: TestClient, path: str, sent: str) -> None:
    answer = client.post(path, content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == (202 if path == "/v1/overrides" else 200), answer.text


def test_the_manual_shows_both_kinds_of_request_and_names_every_caution() -> None:
    assert {path for path, _ in manual()} == {"/v1/what-if", "/v1/overrides"}
    text = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []


def ask(client: TestClient, *nodes: dict[str, Any]) -> shapes.WhatIf:
    answer = client.post("/v1/what-if", json={"nodes": nodes})
    assert answer.status_code == 200, answer.text
    return shapes.WhatIf.model_validate_json(answer.content)


def campaign(**changes: object) -> dict[str, Any]:
    added = {
        "action": "add",
        "starts_on": f"{ahead(5)}",
        "ends_on": f"{ahead(7)}",
        "discount_share": 0.2,
    }
    return {"campaigns": [added | changes]}


def test_without_a_change_the_answer_is_the_published_forecast(client: TestClient) -> None:
    published = client.get("/v1/forecasts", params={"limit": 1000}).json()["items"]
    keys = ("product_id", "channel_id", "region_id")
    by_series: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in published:
        by_series.setdefault(tuple(row[k] for k in keys), []).append(row)
    found = ask(client, *(dict(zip(keys, key, strict=True)) for key in by_series))
    for node, rows in zip(found.nodes, by_series.values(), strict=True):
        assert [d.demand_kg for d in node.days] == [r["demand_kg"] for r in rows]
        assert [d.changed_demand_kg for d in node.days] == [r["demand_kg"] for r in rows]
        assert [d.changed_expected_kg for d in node.days] == [r["expected_kg"] for r in rows]
        assert (node.totals.net_kg, node.cautions, node.levels_are) == (0.0, [], "of_the_series")


def test_before_rounding_the_unchanged_answer_is_published_to_a_billionth(
    client: TestClient, home: Settings
) -> None:
    release = client.app.state.published.current  # type: ignore[attr-defined]
    found = reads.answer(release, shapes.WhatIfAsk(nodes=[shapes.NodeAsk()]))
    parquet = pl.read_parquet(release.folder / "demand_forecast.parquet")
    keys = ["product_id", "channel_id", "region_id", "forecast_date", "level"]
    beside = found.levels.join(parquet, on=keys, how="inner", suffix="_told")
    assert beside.height == parquet.height == 5 * HORIZON * 3
    for ours, told in (("changed_kg", "demand_kg_told"), ("changed_expected_kg", "expected_kg_told")):
        assert (beside[ours] - beside[told]).abs().max() <= 1e-9


def test_uplift_dip_and_money_are_told_apart(client: TestClient) -> None:
    node = ask(client, LEAF | campaign()).nodes[0]
    phases = [d.phase for d in node.days]
    assert phases == ["before"] * 4 + ["event"] * 3 + ["after"] * (HORIZON - 7)
    sums = node.totals
    assert sums.uplift_kg == pytest.approx(sum(d.uplift_kg for d in node.days), abs=0.01)
    assert sums.dip_kg == pytest.approx(sum(d.dip_kg for d in node.days), abs=0.01)
    assert sums.dip_kg < 0 < sums.uplift_kg
    assert sums.net_kg == pytest.approx(
        sums.uplift_kg + sums.dip_kg + sums.regained_kg + sums.other_kg, abs=0.01
    )
    event = node.days[5]
    assert event.yuan_per_kg == pytest.approx(10, abs=0.01)
    assert event.changed_yuan_per_kg == pytest.approx(8, abs=0.01)
    assert event.changed_yuan == pytest.approx(event.changed_expected_kg * 8, rel=0.01)
    assert all(d.changed_demand_kg["0.1"] <= d.changed_demand_kg["0.9"] for d in node.days)


def test_an_upper_node_sums_its_series_and_says_so(client: TestClient) -> None:
    parts = ask(
        client,
        *(LEAF | {"region_id": r} | campaign() for r in ("shanghai", "zhejiang")),
        {"product_id": "rice-5kg", "channel_id": "taobao-1"} | campaign(),
    )
    one, other, both = parts.nodes
    assert (both.series, both.levels_are) == (2, "added")
    assert both.totals.changed_kg == pytest.approx(one.totals.changed_kg + other.totals.changed_kg, abs=0.01)
    assert both.days[5].changed_demand_kg["0.5"] == pytest.approx(
        one.days[5].changed_demand_kg["0.5"] + other.days[5].changed_demand_kg["0.5"], abs=0.01
    )


def test_cautions_name_the_range_and_what_training_never_held(client: TestClient) -> None:
    price = {"prices": [{"starts_on": f"{ahead(3)}", "ends_on": f"{ahead(3)}", "price_yuan_per_kg": 1}]}
    found = {c.kind: c for c in ask(client, LEAF | price).nodes[0].cautions}
    own = found["outside_own_range"]
    assert (own.value, own.low, own.high) == pytest.approx((1, 8, 10), abs=0.01)
    live = {"live_slots": [{"action": "add", "slot_date": f"{ahead(3)}"}]}
    kinds = [c.kind for c in ask(client, LEAF | live).nodes[0].cautions]
    assert kinds == ["live_not_learnt"]


@pytest.mark.parametrize(
    ("node", "status", "named"),
    [
        (LEAF | {"product_id": "durian"}, 404, ["product", "durian"]),
        (LEAF | {"region_id": "mars"}, 404, ["region", "mars"]),
        ({"product_id": "crab", "region_id": "zhejiang"}, 404, ["nodes[0]", "product 'crab'", "all channels"]),
        (LEAF | campaign(ends_on=f"{ahead(22)}"), 422, ["nodes[0].campaigns[0].ends_on", f"{ahead(22)}", f"{ahead(21)}"]),
        (LEAF | campaign(starts_on=f"{CUTOFF}"), 422, ["starts_on", f"{CUTOFF}", f"{ahead(1)}"]),
        (LEAF | campaign(discount_share=1), 422, ["discount_share"]),
        (LEAF | campaign(action="remove", discount_share=None), 422, ["no campaign of channel 'taobao-1'"]),
        (LEAF | {"live_slots": [{"action": "remove", "slot_date": f"{ahead(2)}"}]}, 422, ["no live-stream slot"]),
        (LEAF | {"prices": [{"starts_on": f"{ahead(2)}", "ends_on": f"{ahead(3)}", "price_yuan_per_kg": 0}]}, 422, ["price_yuan_per_kg", "'0'"]),
        (LEAF | {"prices": [{"starts_on": f"{ahead(3)}", "ends_on": f"{ahead(2)}", "price_yuan_per_kg": 5}]}, 422, ["swap them"]),
        (LEAF | {"prices": [{"starts_on": f"{ahead(2)}", "ends_on": f"{ahead(2)}"}]}, 422, ["one of price_yuan_per_kg"]),
        (LEAF | {"surprise": 1}, 422, ["surprise"]),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_with_the_reason(
    client: TestClient, node: dict[str, Any], status: int, named: list[str]
) -> None:
    answer = client.post("/v1/what-if", json={"nodes": [node]})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert all(word in told["detail"] for word in named), told["detail"]
    assert told["way_out"]


def test_a_hundred_and_one_nodes_are_too_many(client: TestClient) -> None:
    answer = client.post("/v1/what-if", json={"nodes": [LEAF] * 101})
    assert answer.status_code == 422
    assert "101 are asked for, the limit is 100" in answer.json()["detail"]
    assert client.post("/v1/what-if", json={"nodes": [LEAF] * 100}).status_code == 200


def test_nodes_that_hold_too_many_series_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/what-if", json={"nodes": [{"product_id": "rice-5kg"}] * 26})
    assert answer.status_code == 422
    assert "104 series together (nodes[0] alone 4), the limit is 100" in answer.json()["detail"]


def test_a_release_without_model_files_says_what_helps(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    publish("bare", county)
    with TestClient(create_app(settings)) as client:
        answer = client.post("/v1/what-if", json={"nodes": [LEAF]})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:anxu:problem:no-what-if")
    assert "anxu nightly" in answer.json()["way_out"]


def page(client: TestClient, language: str, **fields: object) -> str:
    query = {"product": "rice-5kg", "channel": "taobao-1", "region": "shanghai", "lang": language} | fields
    answer = client.get("/demand", params=query)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(
    ("language", "words"), [("zh", ["活动期增量", "活动后回落"]), ("en", ["Uplift", "Dip"])]
)
def test_the_page_answers_a_campaign_with_uplift_dip_and_chart(
    client: TestClient, language: str, words: list[str]
) -> None:
    plain = page(client, language)
    assert words[0] not in plain.split('id="override"')[0].split('class="form"')[1]
    asked = page(client, language, wi="campaign", wi_start=ahead(5), wi_end=ahead(7), wi_off=20)
    assert all(word in asked for word in words)
    assert asked.count("<svg") == plain.count("<svg") + 2


def test_the_page_says_what_an_answer_does_not_rest_on(client: TestClient) -> None:
    live = page(client, "en", wi="live", wi_start=ahead(3))
    assert "Training held no live-stream slot" in live
    cheap = page(client, "zh", wi="price", wi_start=ahead(3), wi_end=ahead(3), wi_price=1)
    assert "8" in cheap.split("一直在")[1][:12]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"wi": "price", "wi_start": f"{CUTOFF}", "wi_price": 8}, "is outside the days that are forecast"),
        ({"wi": "price", "wi_start": f"{CUTOFF + timedelta(days=2)}"}, "one of price_yuan_per_kg"),
        ({"wi": "price", "wi_start": "tomorrow", "wi_price": 8}, "date"),
        ({"wi": "campaign", "wi_start": f"{CUTOFF + timedelta(days=2)}", "wi_off": "much"}, "much"),
    ],
)  # fmt: skip
def test_the_page_keeps_what_was_typed_and_says_what_stands_against_it(
    client: TestClient, fields: dict[str, object], named: str
) -> None:
    shown = page(client, "en", **fields)
    assert named in shown
    assert f'value="{fields["wi_start"]}"' in shown


def test_the_page_of_all_products_channels_and_regions_sums(client: TestClient) -> None:
    shown = page(
        client, "en", channel="", region="", wi="campaign", wi_start=ahead(5), wi_end=ahead(7), wi_off=20
    )
    assert "Sum of 4 series" in shown
