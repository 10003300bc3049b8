"""The pages: both languages, units, empty states, nothing that could run or leave the machine."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.web.texts import catalogue
from settings import Settings

PAGES = {
    "/": ("今日", "Today"),
    "/demand": ("需求", "Demand"),
    "/planting": ("种植", "Planting"),
    "/bestsellers": ("爆款选品", "Bestsellers"),
    "/grades": ("分级", "Grades"),
    "/runs": ("运行", "Runs"),
}
PLACES = [*PAGES, "/demand?product=crab", "/planting?village=V1&year=2026", "/planting?crop=rice&season=1"]
NAMES = {"中文", "河东村", "河西村", "淘宝店", "抖音店", "上海市", "浙江省"}
"""Chinese on an English page: what people named, and the way back."""
VOID = {"meta", "link", "br", "img", "input", "hr"}


@pytest.fixture(autouse=True)
def _forgetful(client: TestClient) -> None:
    """Each test starts as a new reader."""
    client.cookies.clear()


class Tags(HTMLParser):
    """Collects tags and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_comes_in_both_languages(client: TestClient, path: str, language: str) -> None:
    answer = client.get(path, params={**dict(client.build_request("GET", path).url.params), "lang": language})
    assert answer.status_code == 200
    tags = parsed(answer.text)
    assert ("html", {"lang": {"zh": "zh-CN", "en": "en"}[language]}) in tags.seen
    assert f"<h1>{PAGES[path.split('?')[0]][language == 'en']}</h1>" in answer.text
    if language == "en":
        plain = re.sub(r"<title>.*?</title>", "", answer.text)
        assert set(re.findall(r"[\u4e00-\u9fff]+", plain)) <= NAMES


def test_chinese_comes_first_and_a_choice_is_remembered(client: TestClient) -> None:
    assert "需要处理" in client.get("/").text
    client.get("/", params={"lang": "en", "unit": "jin"})
    assert "Needs attention" in client.get("/").text
    assert "jin" in client.get("/demand").text


def test_the_weight_unit_changes_numbers_and_words_together(client: TestClient) -> None:
    kilograms = client.get("/planting", params={"unit": "kg"}).text
    jin = client.get("/planting", params={"unit": "jin"}).text
    assert "9,000" in kilograms
    assert "(公斤)" in kilograms
    assert "18,000" in jin
    assert "(斤)" in jin


@pytest.mark.parametrize("path", PLACES)
def test_nothing_on_a_page_comes_from_elsewhere_or_runs_inline(client: TestClient, path: str) -> None:
    answer = client.get(path)
    for tag, attributes in parsed(answer.text).seen:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in {"href", "src", "action"}:
                assert (value or "").startswith(("/", "#")), (tag, value)
                assert not (value or "").startswith("//")
    assert "<script>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PLACES)
def test_what_people_and_platforms_wrote_is_shown_as_text(client: TestClient, path: str) -> None:
    html = client.get(path).text
    assert "<script>alert" not in html
    assert "<img" not in html


def test_hostile_names_are_escaped_everywhere_they_appear(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    evil = '"><script>alert(1)</script>'
    for table, frame in county.items():
        county[table] = frame.with_columns(
            pl.lit(evil).alias(c)
            for c in frame.columns
            if c
            in {
                "name",
                "name_zh",
                "name_en",
                "text_zh",
                "text_en",
                "detail",
                "title",
                "rule",
                "fallback_reason",
            }
        )
    publish("evil", county)
    with TestClient(create_app(settings)) as client:
        for path in PLACES:
            answer = client.get(path)
            assert answer.status_code == 200
            assert evil not in answer.text
            parsed(answer.text)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_county_is_told_what_to_do_next(bare: TestClient, path: str, language: str) -> None:
    answer = bare.get(path, params={"lang": language})
    assert answer.status_code == 200
    assert "anxu " in answer.text
    parsed(answer.text)


@pytest.mark.parametrize(
    "missing",
    ["product", "crop", "plot", "place", "run_step", "history_daily", "planting_plan", "demand_expected"],
)
def test_a_missing_table_breaks_no_page(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings, missing: str
) -> None:
    county.pop(missing)
    publish("part", county)
    with TestClient(create_app(settings)) as client:
        for path in (*PAGES, "/demand?product=rice-5kg", "/planting?year=2026"):
            assert client.get(path).status_code == 200


def test_before_the_first_release_a_page_says_what_to_run(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        answer = client.get("/", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "anxu nightly" in answer.text
    assert "还没有发布" in answer.text


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/demand?product=durian", "durian"),
        ("/demand?product=crab&channel=<script>", "&lt;script&gt;"),
        ("/planting?year=1950", "1950"),
        ("/planting?year=²", "²"),
        ("/nothing-here", "/nothing-here"),
        ("/static/..%2fapp.py", "nothing is at"),
        ("/static/secret", "secret"),
    ],
)
def test_a_wrong_address_ends_in_a_page_that_names_it(client: TestClient, path: str, named: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert named in answer.text
    parsed(answer.text)


def test_the_worst_comes_first(client: TestClient) -> None:
    html = client.get("/", params={"lang": "en"}).text
    order = re.findall(r'<li class="(serious|warning|note)">', html)
    assert order == sorted(order, key=["serious", "warning", "note"].index)
    assert "articles are mapped to no product" in html
    assert "Rice: 22.2% of demand cannot be grown" in html
    assert "1 sensors have been silent" in html


def test_the_forecast_error_stands_beside_the_baseline(client: TestClient) -> None:
    html = client.get("/", params={"lang": "en"}).text
    assert "31.0%" in html
    assert "42.0%" in html
    assert "26.2% lower than same day last week" in html


def test_before_a_forecast_has_matured_the_models_backtest_stands_there_and_is_called_so(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    county["forecast_score"] = county["forecast_score"].clear()
    county["model_error"] = pl.DataFrame({"metric": ["wape"], "anxu": [0.2], "seasonal_naive": [0.4]})
    publish("new", county)
    with TestClient(create_app(settings)) as client:
        html = client.get("/", params={"lang": "en"}).text
    assert "20.0%" in html
    assert "50.0% lower than same day last week" in html
    assert "backtest" in html


def test_today_sums_means_and_calls_them_expected(client: TestClient) -> None:
    html = client.get("/", params={"lang": "en"}).text
    assert "910 kg" in html  # 577.5 kg of rice and 332.5 kg of crab
    assert "Expected; sold in the last 7 days: 336 kg" in html
    assert 'data-v="577.5"' in html
    assert "+129%" in html
    assert "medians" not in html


@pytest.mark.parametrize(
    ("path", "how"), [("/", "holds no expected values"), ("/demand", "without expected")]
)
def test_an_older_release_shows_medians_and_says_so(
    publish: Callable[..., Path], older: dict[str, pl.DataFrame], settings: Settings, path: str, how: str
) -> None:
    publish("older", older)
    with TestClient(create_app(settings)) as client:
        html = client.get(path, params={"lang": "en"}).text
    assert how in html
    assert "546" in html  # 7 days of three medians
    assert not re.search("Expected(?! profit| harvest)", html)


def test_a_product_without_past_sales_neither_rises_nor_falls(
    publish: Callable[..., Path], county: dict[str, pl.DataFrame], settings: Settings
) -> None:
    publish("new", county | {"history_daily": county["history_daily"].filter(pl.col("product_id") != "crab")})
    with TestClient(create_app(settings)) as client:
        html = client.get("/").text
    assert '<td class="n " data-v="">—</td>' in html
    assert 'class="n up" data-v="1.29' in html


def legend(html: str) -> list[str]:
    return re.findall(r'<span class="key (\w+)"></span>([^<]+)</span>', html)


def heads(html: str) -> list[str]:
    return re.findall(r'<th class="n">([^<(]+) \(', html)


def test_a_sum_shows_the_expected_line_and_no_added_median(client: TestClient) -> None:
    html = client.get("/demand?product=rice-5kg&lang=en").text
    assert legend(html) == [("sold", "Sold"), ("ahead", "Expected"), ("band", "10%–90% band")]
    assert heads(html) == ["Expected", "10%", "90%"]
    assert 'class="thin"' not in html
    assert "578 kg" in html
    assert "expected values add up" in html
    assert "4 May · Expected 73.5 kg (64.2 kg – 73.8 kg)" in html


def test_one_series_shows_median_and_mean(client: TestClient) -> None:
    html = client.get("/demand?product=rice-5kg&channel=taobao-1&region=shanghai&lang=en").text
    assert [key for key, _ in legend(html)] == ["sold", "ahead", "thin", "band"]
    assert heads(html) == ["Expected", "10%", "50%", "90%"]
    assert html.count('<path class="thin"') == 2  # wide and narrow
    assert "4 May · Median forecast 13 kg · Expected 14.5 kg (11.4 kg – 14.6 kg)" in html


def test_a_sum_of_series_is_called_one(client: TestClient) -> None:
    assert "3 个序列之和" in client.get("/demand?product=rice-5kg").text
    assert "单一序列" in client.get("/demand?product=rice-5kg&channel=taobao-1&region=shanghai").text


def test_an_opened_village_shows_its_plots_and_their_reasons(client: TestClient) -> None:
    closed = client.get("/planting").text
    opened = client.get("/planting?village=V1").text
    assert "受水田面积限制" not in closed
    assert opened.count("受水田面积限制") == 2


def test_every_file_a_page_loads_is_there(client: TestClient) -> None:
    for tag, attributes in parsed(client.get("/").text).seen:
        if tag in {"link", "script"}:
            answer = client.get(attributes.get("href") or attributes.get("src") or "")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]


def test_every_sentence_has_both_languages_with_the_same_values() -> None:
    for key, (chinese, english) in catalogue().items():
        assert chinese, key
        assert english, key
        if key not in {"concern.finding"}:
            assert set(re.findall(r"{(\w+)}", chinese)) == set(re.findall(r"{(\w+)}", english)), key
