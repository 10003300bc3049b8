"""Look at what came in before anything is reckoned from it: silent shops, unmapped money, odd days, refusals."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from settings import Settings
from warehouse import Warehouse

MAX_SILENT_DAYS = 2
MAX_UNMAPPED_SHARE = 0.05
MAX_REJECTED_SHARE = 0.02
ODD_DAY_FACTOR = 4.0
"""A last day below a quarter, or above four times, the median of its four earlier same weekdays is odd."""

FINDING_SCHEMA = pl.Schema(
    {
        "kind": pl.String,
        "subject": pl.String,
        "value": pl.Float64,
        "allowed": pl.Float64,
        "text_zh": pl.String,
        "text_en": pl.String,
    }
)


class NothingToForecast(Exception):  # noqa: N818
    """No sale is known by the cutoff, so there is nothing to learn from."""


class CutoffAhead(Exception):  # noqa: N818
    """A night was asked for a day that has not ended."""


def check_inputs(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> str:
    """Write the `finding` rows of this cutoff, worst first (value ÷ allowed); return a one-line summary.

    Raises:
        NothingToForecast: No sale is known by `cutoff`.
    """
    sales = warehouse.sold_by_day(known_by=settings.known_by(cutoff)).filter(pl.col("sale_date") <= cutoff)
    if sales.is_empty():
        raise NothingToForecast(nothing_mapped(warehouse, settings, cutoff))
    parts = [
        silent_channels(sales, cutoff),
        odd_last_day(sales, cutoff),
        unmapped_money(warehouse, settings, cutoff),
        refused_files(warehouse.read("source_file")),
        silent_sensors(warehouse, settings, cutoff),
    ]
    findings = ranked(parts, cutoff=cutoff, run_id=run_id)
    warehouse.replace("finding", findings, cutoff=cutoff)
    return f"{findings.height} findings over {sales.height} series-days"


def ranked(parts: Sequence[pl.DataFrame], *, cutoff: date, run_id: str) -> pl.DataFrame:
    """Rows of `finding` from frames of FINDING_SCHEMA, worst first (value ÷ allowed)."""
    return (
        pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *parts])
        .with_columns(weight=pl.col("value") / pl.col("allowed"))
        .sort("weight", "kind", "subject", descending=[True, False, False])
        .drop("weight")
        .with_row_index("rank", offset=1)
        .with_columns(run_id=pl.lit(run_id), cutoff=pl.lit(cutoff), rank=pl.col("rank").cast(pl.Int32))
    )


def nothing_mapped(warehouse: Warehouse, settings: Settings, cutoff: date) -> str:
    """Why no sale can be forecast from: no order is known yet, or no listing maps what is."""
    articles = warehouse.unmapped_sales(known_by=settings.known_by(cutoff))
    if articles.is_empty():
        return (
            f"no sale is known by {cutoff}: load order files and listings first (anxu load PATH… --history)"
        )
    row = articles.row(0, named=True)
    listed = warehouse.sql("select distinct platform || '/' || shop as shop from listing order by shop")[
        "shop"
    ]
    return (
        f"{articles['lines'].sum():,} order lines are known by {cutoff} and no listing maps one: the largest is seller SKU "
        f"'{row['seller_sku']}' of {row['platform']}/{row['shop']}; listing knows {', '.join(listed.head(5)) or 'no shop'}"
    )


def silent_channels(sales: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Channels (rows of `sales`: one per series and day) without a sale in the last days."""
    last = sales.group_by("channel_id", maintain_order=True).agg(last=pl.col("sale_date").max())
    silent = last.with_columns(
        value=(pl.lit(cutoff) - pl.col("last")).dt.total_days().cast(pl.Float64)
    ).filter(pl.col("value") > MAX_SILENT_DAYS)
    return _finding(
        silent,
        "no_file_since",
        pl.col("channel_id"),
        float(MAX_SILENT_DAYS),
        pl.format("渠道 {} 自 {} 起没有订单:请检查导出文件是否送达", "channel_id", "last"),
        pl.format(
            "channel {} has no sale since {}: check that its export still arrives", "channel_id", "last"
        ),
    )


def odd_last_day(sales: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Channels whose last day differs from the four same weekdays before by more than ODD_DAY_FACTOR."""
    earlier = [cutoff - timedelta(weeks=w) for w in range(1, 5)]
    daily = sales.group_by("channel_id", "sale_date", maintain_order=True).agg(kg=pl.col("sold_kg").sum())
    usual = daily.filter(pl.col("sale_date").is_in(earlier)).group_by("channel_id", maintain_order=True)
    odd = (
        usual.agg(usual=pl.col("kg").median(), weeks=pl.len())
        .filter((pl.col("weeks") == len(earlier)) & (pl.col("usual") > 0))
        .join(daily.filter(pl.col("sale_date") == cutoff), on="channel_id", how="inner")
        .with_columns(ratio=pl.col("kg") / pl.col("usual"))
        .with_columns(value=pl.max_horizontal("ratio", 1 / pl.col("ratio")))
        .filter(pl.col("value") > ODD_DAY_FACTOR)
    )
    kg, usual_kg = pl.col("kg").round(1), pl.col("usual").round(1)
    return _finding(
        odd,
        "odd_day",
        pl.col("channel_id"),
        ODD_DAY_FACTOR,
        pl.format(
            "渠道 {} 最近一天售出 {} 公斤,前四周同日中位数 {} 公斤:文件可能不完整", "channel_id", kg, usual_kg
        ),
        pl.format(
            "channel {} sold {} kg on the last day against a usual {} kg: its file may be incomplete",
            "channel_id",
            kg,
            usual_kg,
        ),
    )


def unmapped_money(warehouse: Warehouse, settings: Settings, cutoff: date) -> pl.DataFrame:
    """One finding when order lines that no listing maps carry too much of the money."""
    known_by = settings.known_by(cutoff)
    share, articles = warehouse.unmapped_share(known_by=known_by), warehouse.unmapped_sales(known_by=known_by)
    frame = pl.DataFrame({"value": [share], "articles": [articles.height]}).filter(
        pl.col("value") > MAX_UNMAPPED_SHARE
    )
    percent = (pl.col("value") * 100).round(1)
    return _finding(
        frame,
        "unmapped_money",
        pl.lit("listing"),
        MAX_UNMAPPED_SHARE,
        pl.format("{}% 的销售额没有商品映射({} 个商家编码):请补充 listing 表", percent, "articles"),
        pl.format(
            "{} % of the money has no listing ({} seller SKUs): add them to listing", percent, "articles"
        ),
    )


def refused_files(files: pl.DataFrame) -> pl.DataFrame:
    """Files (rows of `source_file`) of which too many lines were refused; of one name only the newest."""
    share = pl.col("rows_rejected") / pl.col("rows_read")
    newest = files.sort("arrived_at").unique("name", keep="last", maintain_order=True)
    refused = newest.filter(pl.col("rows_read") > 0).with_columns(value=share.cast(pl.Float64))
    percent = (pl.col("value") * 100).round(1)
    return _finding(
        refused.filter(pl.col("value") > MAX_REJECTED_SHARE),
        "rejected_rows",
        pl.col("name"),
        MAX_REJECTED_SHARE,
        pl.format("文件 {} 有 {}% 的行被拒收:见“运行”页的原因", "name", percent),
        pl.format("{}: {} % of its lines were refused; see their reasons under Runs", "name", percent),
    )


def silent_sensors(warehouse: Warehouse, settings: Settings, cutoff: date) -> pl.DataFrame:
    """Sensors whose last reading is more than MAX_SILENT_DAYS before the newest reading of any sensor."""
    last = warehouse.sql(
        "select sensor_id, max(measured_at) as last_at from raw_reading"
        " where sensor_id in (select sensor_id from sensor) and known_at <= $known_by and measured_at <= $known_by"
        " group by sensor_id order by sensor_id",
        known_by=settings.known_by(cutoff),
    )
    if last.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    newest = last["last_at"].max()
    days = (pl.lit(newest) - pl.col("last_at")).dt.total_hours() / 24
    silent = last.with_columns(value=days.cast(pl.Float64)).filter(pl.col("value") > MAX_SILENT_DAYS)
    when = pl.col("last_at").dt.convert_time_zone(settings.timezone).dt.strftime("%Y-%m-%d %H:%M")
    return _finding(
        silent,
        "silent_sensor",
        pl.col("sensor_id"),
        float(MAX_SILENT_DAYS),
        pl.format("传感器 {} 自 {} 起没有读数", "sensor_id", when),
        pl.format("sensor {} has been silent since {}", "sensor_id", when),
    )


def _finding(
    rows: pl.DataFrame, kind: str, subject: pl.Expr, allowed: float, text_zh: pl.Expr, text_en: pl.Expr
) -> pl.DataFrame:
    return rows.select(
        kind=pl.lit(kind),
        subject=subject,
        value=pl.col("value"),
        allowed=pl.lit(allowed),
        text_zh=text_zh,
        text_en=text_en,
    ).cast(FINDING_SCHEMA)
