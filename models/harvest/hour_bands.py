"""Which orders and fields have left what the night expected of the day."""

import polars as pl

ACT = 2
"""Level at which a plot needs acting on (models.harvest.field_flags)."""
GROWN = 1.1
"""What has grown by so much since the last plan is news."""
TRIGGER = pl.Schema({
    "kind": pl.String(), "subject_id": pl.String(), "value": pl.Float64(), "limit_of": pl.Float64(),
    "text_zh": pl.String(), "text_en": pl.String(),
})  # fmt: skip


def orders_out(ordered: pl.DataFrame, band: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Rows of TRIGGER: crops of which more was ordered so far than the forecast's p95 of the whole day.

    Args:
        ordered: crop_id, kg. band: crop_id, kg; a crop without a row has no forecast and no band. names: crop_id, name_zh,
            name_en.
    """
    rows = (
        ordered.join(band.rename({"kg": "limit_of"}), on="crop_id")
        .filter(pl.col("kg") > pl.col("limit_of"))
        .join(names, on="crop_id", how="left")
        .sort("crop_id")
    )
    found = [
        (
            "orders", r["crop_id"], r["kg"], r["limit_of"],
            f"{r['name_zh'] or r['crop_id']}：今天已订 {r['kg']:,.0f} 公斤，超过全天预测上限（p95）{r['limit_of']:,.0f} 公斤",
            f"{r['name_en'] or r['crop_id']}: {r['kg']:,.0f} kg ordered today, beyond the p95 of the whole day, {r['limit_of']:,.0f} kg",
        )
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip
    return pl.DataFrame(found, schema=TRIGGER, orient="row")


def fields_out(today: pl.DataFrame, night: pl.DataFrame) -> pl.DataFrame:
    """Rows of TRIGGER: plots to act on today that the night had not named so.

    Args:
        today, night: plot_id, level. A plot that the night did not tell of counts as well (0).
    """
    rows = (
        today.select("plot_id", "level")
        .join(night.select("plot_id", before="level"), on="plot_id", how="left")
        .with_columns(pl.col("before").fill_null(0))
        .filter(pl.col("level") >= ACT, pl.col("before") < ACT)
        .sort("plot_id")
    )
    found = [
        (
            "field", r["plot_id"], float(r["level"]), float(r["before"]),
            f"{r['plot_id']}：今天的天气或土壤需要处理，昨夜还不需要", f"{r['plot_id']}: needs acting on today, as it did not last night",
        )
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip
    return pl.DataFrame(found, schema=TRIGGER, orient="row")


def says_more(left: pl.DataFrame, known: pl.DataFrame) -> bool:
    """Whether what left its band is news: another crop or plot than the last plan knew, or GROWN times as much.

    Args:
        left, known: kind, subject_id, value.
    """
    keys = ["kind", "subject_id"]
    both = left.join(known.select(*keys, was="value"), on=keys, how="left")
    return both.filter(pl.col("was").is_null() | (pl.col("value") >= GROWN * pl.col("was"))).filter(
        pl.col("was").is_null() | (pl.col("kind") == "orders")
    ).height > 0  # fmt: skip
