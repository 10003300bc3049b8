"""What there is to tell after a night: failed runs, findings, stock-outs, what waits for a decision, what changed."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from settings import Settings
from warehouse import Warehouse
from warehouse.last_runs import read_last_runs
from warehouse.outbox import Said

MOST_FINDINGS = 20
MOST_PRODUCTS = 5
NAMED = 3
OF_FORECASTS = ("bias_builds_up", "error_rises", "coverage_off", "fallbacks_rise", "model_ages")


def failed_runs(settings: Settings) -> Iterator[Said]:
    """One matter for each flow whose newest run failed or was killed; its old release is still served."""
    for run in read_last_runs(settings.home).values():
        if run.status != "failed":
            continue
        zh = f"{run.flow} 运行失败（截至 {run.cutoff}）：{run.detail}。页面仍显示上一次的结果；请运行 anxu doctor"
        en = f"run {run.flow} of {run.cutoff} failed: {run.detail}. The release before stays in place; look at anxu doctor"
        yield Said(f"failed/{run.run_id}", "run_failed", True, 1000.0, run.cutoff, zh, en, "/runs")


def of_night(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """What the night of `cutoff` found, decided and changed."""
    yield from _findings(warehouse, cutoff)
    yield from _stock_outs(warehouse, cutoff)
    yield from _short_promises(warehouse, cutoff)
    yield from _selection(warehouse, cutoff)
    yield from _unanswered(warehouse, cutoff)
    yield from _plan_changes(warehouse, cutoff)


def _findings(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """Checks and monitors: weight is how many times the limit the value is."""
    rows = warehouse.sql(
        "select * from finding where cutoff = $cutoff order by rank limit $most",
        cutoff=cutoff,
        most=MOST_FINDINGS,
    )
    for row in rows.iter_rows(named=True):
        page = "/demand#accuracy" if row["kind"] in OF_FORECASTS else "/runs"
        weight = min(row["value"] / row["allowed"], 100.0) if row["allowed"] else 1.0
        matter = f"{row['kind']}/{row['subject']}"
        yield Said(matter, row["kind"], False, weight, cutoff, row["text_zh"], row["text_en"], page)


def _stock_outs(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """Products out of stock on the last day somewhere, most hours first."""
    rows = warehouse.sql(
        "select s.product_id, any_value(p.name_zh) as name_zh, any_value(p.name_en) as name_en, count(*) as places, "
        "sum(s.hours_out_of_stock) as hours from (select * from stock_day where stock_date = $cutoff qualify "
        "row_number() over (partition by product_id, channel_id, region_id order by known_at desc) = 1) s "
        "join product p using (product_id) where s.hours_out_of_stock > 0 group by s.product_id "
        "order by hours desc, s.product_id limit $most",
        cutoff=cutoff,
        most=MOST_PRODUCTS,
    )
    for row in rows.iter_rows(named=True):
        zh = f"{row['name_zh']} 缺货：{cutoff} 在 {row['places']} 个渠道地区共 {row['hours']:.0f} 小时"
        en = f"{row['name_en']} was out of stock on {cutoff}: {row['hours']:.0f} hours over {row['places']} places of sale"
        page = f"/demand?product={row['product_id']}"
        yield Said(
            f"stock_out/{row['product_id']}", "stock_out", False, 1 + row["hours"] / 24, cutoff, zh, en, page
        )


def _short_promises(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """Crops whose promised kilograms the plan does not grow, the first year."""
    rows = warehouse.sql(
        "select b.crop_id, any_value(c.name_zh) as name_zh, any_value(c.name_en) as name_en, b.year, "
        "sum(b.committed_kg) as promised, sum(b.supply_kg) as supply from planting_balance b join crop c using (crop_id) "
        "where b.cutoff = $cutoff and b.year = (select min(year) from planting_balance where cutoff = $cutoff) "
        "group by b.crop_id, b.year having promised > supply + 0.5 order by promised - supply desc, b.crop_id",
        cutoff=cutoff,
    )
    for row in rows.iter_rows(named=True):
        short = row["promised"] - row["supply"]
        zh = f"{row['name_zh']} {row['year']} 年已承诺 {row['promised']:,.0f} 公斤，计划只产 {row['supply']:,.0f} 公斤，缺 {short:,.0f} 公斤"
        en = f"{row['name_en']} {row['year']}: {row['promised']:,.0f} kg are promised, the plan grows {row['supply']:,.0f} kg"
        weight = 10 + short / max(row["promised"], 1.0)
        yield Said(
            f"promise/{row['crop_id']}/{row['year']}",
            "commitment",
            False,
            weight,
            cutoff,
            zh,
            en,
            "/planting#balance",
        )


def _selection(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """Articles to take on or drop whose day of commitment is near, most money at risk first."""
    rows = warehouse.sql(
        "select * from selection_recommendation where cutoff = $cutoff and answer <> 'keep' "
        "and commit_by <= $cutoff + interval 14 day order by yuan_at_risk desc, recommendation_id limit $most",
        cutoff=cutoff,
        most=MOST_PRODUCTS,
    )
    for row in rows.iter_rows(named=True):
        zh = f"{row['name']}：{row['text_zh']}（{row['commit_by']} 前决定）"
        en = f"{row['name']}: {row['text_en']} (decide by {row['commit_by']})"
        weight = 2 + row["yuan_at_risk"] / 100_000
        matter = f"selection/{row['recommendation_id']}/{row['answer']}"
        yield Said(matter, "selection", False, weight, cutoff, zh, en, "/bestsellers")


def _unanswered(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """One matter: lines of the next season to plant that nobody has accepted, changed or refused."""
    rows = warehouse.sql(
        "select plot_id, area_mu, year, season, c.name_zh, c.name_en from planting_recommendation r join crop c using (crop_id) "
        "where r.cutoff = $cutoff and (year, season) = (select (year, season) from planting_recommendation "
        "where cutoff = $cutoff order by year, season limit 1) "
        "and recommendation_id not in (select recommendation_id from decision) order by area_mu desc, plot_id",
        cutoff=cutoff,
    )
    if rows.is_empty():
        return
    first, mu = rows.row(0, named=True), float(rows["area_mu"].sum())
    when = f"{first['year']}/{first['season']}"
    zh = f"{when} 季有 {rows.height} 条种植建议（{mu:,.0f} 亩）等待答复，最大：{first['plot_id']} {first['name_zh']} {first['area_mu']:.1f} 亩"
    en = f"{rows.height} planting lines of season {when} ({mu:,.0f} mu) wait for an answer; largest: {first['plot_id']} {first['name_en']} {first['area_mu']:.1f} mu"
    yield Said(f"unanswered/{when}", "decision", False, 1.5, cutoff, zh, en, "/planting#recommendations")


def _plan_changes(warehouse: Warehouse, cutoff: date) -> Iterator[Said]:
    """One matter a night: how many lines the plan changed, and the largest."""
    rows = warehouse.sql(
        "select * from planting_change where cutoff = $cutoff and cause not in ('frozen', 'kept') "
        "order by abs(change_yuan) desc, rank",
        cutoff=cutoff,
    )
    if rows.is_empty():
        return
    largest = rows.head(NAMED)
    zh = f"种植计划有 {rows.height} 处变动：" + "；".join(_bare(t, "。") for t in largest["text_zh"])
    en = f"the planting plan changed in {rows.height} lines: " + "; ".join(
        _bare(t, ".") for t in largest["text_en"]
    )
    weight = 1 + float(rows.select(pl.col("change_yuan").abs().sum()).item()) / 100_000
    yield Said(f"plan_change/{cutoff}", "plan_change", False, weight, cutoff, zh, en, "/planting#changes")


def _bare(text: str, stop: str) -> str:
    return text.strip().removesuffix(stop)
