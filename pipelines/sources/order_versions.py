"""When a line became known: one version on arrival, or on a first load the versions that days would have brought."""

import polars as pl

from pipelines.sources.kinds import Context
from pipelines.sources.order_status import STATUS_RANK
from pipelines.sources.profile import Profile

REFUNDED = ("refunded_before_ship", "refunded_after_ship")


def versions(rows: pl.DataFrame, profile: Profile, context: Context) -> pl.DataFrame:
    """Every version of every line, with `known_at` and `status_rank`; a line may have several rows.

    On arrival there is one version, known when the file came. On a first load (`is_history`) it is known at the
    profile's hour of the morning after the payment; a refunded line is paid first, and refunded from the morning after
    its refund (where the file has no refund time, the profile's usual days after payment). Nothing is known later
    than the file came. A row that joins several articles becomes one line for each.
    """
    single, joined = rows.filter(pl.col("parts") == 1), rows.filter(pl.col("parts") > 1)
    lines = pl.concat([single, _split(joined)]) if joined.height else single
    timed = _timed(lines.drop("parts"), profile, context)
    return timed.with_columns(status_rank=pl.col("status").replace_strict(STATUS_RANK, return_dtype=pl.Int32))


def _split(joined: pl.DataFrame) -> pl.DataFrame:
    """One row per article of a joined row: one unit each; the money of the row cannot be told apart."""
    pieces = joined.with_columns(
        pl.col("title").str.replace_all("；", ";").str.strip_chars("; ").str.split(";"),
        pl.col("seller_sku").str.split(";"),
        pl.int_ranges("parts").alias("part"),
    ).explode("title", "seller_sku", "part")
    one_each = pieces.with_columns(
        pl.col("title", "seller_sku").str.strip_chars(),
        quantity=pl.lit(1, pl.Int32),
        goods_yuan=pl.lit(None, pl.Decimal(14, 2)),
        line_id=pl.format("{}#{}", "line_id", pl.col("part") + 1),
    )
    return one_each.select(joined.columns)


def _timed(rows: pl.DataFrame, profile: Profile, context: Context) -> pl.DataFrame:
    if not context.is_history:
        return rows.with_columns(known_at=_instant(context))
    usual = pl.col("paid_at") + pl.duration(days=profile.refund_delay_days)
    timed = rows.with_columns(
        known_at=_morning_after(pl.col("paid_at"), profile, context),
        back_at=_morning_after(pl.coalesce("refunded_at", usual), profile, context),
    )
    is_later = pl.col("status").is_in(REFUNDED) & (pl.col("back_at") > pl.col("known_at"))
    refunds = timed.filter(is_later).with_columns(known_at="back_at")
    first = timed.with_columns(
        status=pl.when(is_later).then(pl.lit("paid")).otherwise("status"),
        raw_status=pl.when(is_later).then(pl.lit(_paid_word(profile))).otherwise("raw_status"),
        shipped_at=pl.when(~is_later).then("shipped_at"),
        refunded_at=pl.when(~is_later).then("refunded_at"),
    )
    return pl.concat([first, refunds]).drop("back_at")


def _morning_after(event: pl.Expr, profile: Profile, context: Context) -> pl.Expr:
    """The profile's hour of the local morning after an instant, at most the file's arrival."""
    day = event.dt.convert_time_zone(context.timezone).dt.replace_time_zone(None).dt.truncate("1d")
    morning = (day + pl.duration(days=1, hours=profile.delay_hour)).dt.replace_time_zone(
        context.timezone, ambiguous="earliest", non_existent="null"
    )
    return pl.min_horizontal(morning.dt.convert_time_zone("UTC"), _instant(context))


def _instant(context: Context) -> pl.Expr:
    return pl.lit(context.arrived_at).dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))


def _paid_word(profile: Profile) -> str:
    return next(word for word, token in profile.status_words.items() if token == "paid")
