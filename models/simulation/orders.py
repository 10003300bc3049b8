"""Order lines out of what was sold: sizes, times, statuses, listings, and lines that end as no demand."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.demand import Market
from models.simulation.sizes import Size, stream
from models.simulation.stores import Trade, clock_of

Ints = NDArray[np.int64]


def seller_sku(product_id: str, channel_id: str, pieces: int) -> str:
    """The seller's own code of a pack (or bundle of packs) in one shop."""
    return f"{product_id.upper()}-{channel_id[:2].upper()}" + ("" if pieces == 1 else f"-X{pieces}")


def listings(market: Market, size: Size) -> pl.DataFrame:
    """One row per seller article: the `listing` table's columns but known_at; every other product also sells pairs."""
    rows = [
        (
            c.platform,
            c.shop,
            seller_sku(x.product_id, c.channel_id, n),
            size.starts_on,
            x.product_id,
            n,
            x.pack_kg,
        )
        for c in market.channels
        for i, x in enumerate(market.products)
        for n in ((1, 2) if i % 2 == 0 else (1,))
    ]
    names = ["platform", "shop", "seller_sku", "valid_from", "product_id", "pieces", "net_weight_kg"]
    return pl.DataFrame(rows, schema=names, orient="row").cast({"net_weight_kg": pl.Float64})


def _lines_of(trade: Trade, days: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
    """Split each cell's sold packs into lines: series, day, packs, and whether it is the cell's last line."""
    series, day = np.nonzero(trade.sold[:, :days])
    count = trade.sold[series, day]
    cell = np.repeat(np.arange(len(count)), count)
    first = np.concatenate([[True], cell[1:] != cell[:-1]]) if len(cell) else np.zeros(0, bool)
    starts = first | (rng.random(len(cell)) < p.LINE_QUANTITY[0])
    line_cell = cell[starts]
    packs = np.diff(np.append(np.flatnonzero(starts), len(cell)))
    last = np.append(line_cell[1:] != line_cell[:-1], True)[: len(line_cell)]
    return series[line_cell], day[line_cell], packs, last.astype(np.int64)


def _seconds(trade: Trade, series: Ints, day: Ints, last: Ints, rng: np.random.Generator) -> Ints:
    """Second of the day of each line: before the shelf went empty, the last line at that very moment."""
    out = trade.out_share[series, day].astype(np.float64)
    share = rng.random(len(series)) * out
    share = np.where((last == 1) & (out < 1), out, share)
    return np.minimum(clock_of(share), 86_399).astype(np.int64)


def order_lines(market: Market, trade: Trade, size: Size, seed: int) -> pl.DataFrame:
    """One row per order line up to the size's last day, ordered by channel and payment.

    Columns: channel_id, region, product_id (null: an article no listing knows), seller_sku, title, spec, quantity,
    goods_yuan, order_no, line_no, buyer_no, created_at, paid_at (null: never paid), shipped_at, received_at,
    refunded_at, refund ('', 'before_ship', 'after_ship'). Times are naive local ones. Lines that were never paid,
    or given back before shipping, come on top of what was sold.
    """
    rng = stream(seed, "orders")
    series, day, packs, last = _lines_of(trade, size.days, rng)
    second = _seconds(trade, series, day, last, rng)
    extra = rng.random(len(series))
    doomed = np.flatnonzero(extra < p.UNPAID_SHARE + p.REFUND_BEFORE_SHARE)
    gifts = np.flatnonzero(extra > 1 - p.UNMAPPED_SHARE)
    take = np.concatenate([np.arange(len(series)), doomed, gifts])
    fate = np.concatenate([
        np.zeros(len(series), int),
        np.where(extra[doomed] < p.UNPAID_SHARE, 1, 2),  # 1 never paid, 2 refunded before shipping
        np.full(len(gifts), 3),  # 3 an article no listing knows
    ])  # fmt: skip
    second = second[take]
    second[len(series) :] = rng.integers(0, 86_400, len(take) - len(series))
    frame = _described(market, size, series[take], day[take], packs[take], fate, rng)
    return _timed(frame.with_columns(second=second), market, size, rng)


def _described(
    market: Market, size: Size, series: Ints, day: Ints, packs: Ints, fate: Ints, rng: np.random.Generator
) -> pl.DataFrame:
    """What was bought, for how much, by a row per line."""
    c_n, r_n = len(market.channels), len(market.regions)
    product, channel, region = series // (c_n * r_n), series // r_n % c_n, series % r_n
    pairs = (packs % 2 == 0) & (product % 2 == 0) & (rng.random(len(packs)) < p.DOUBLE_PACK_SHARE)
    pieces = np.where(pairs, 2, 1)
    pack_kg = np.array([x.pack_kg for x in market.products])
    yuan = np.round(market.price[product, channel, day] * pack_kg[product] * packs, 2)
    skus = np.array([
        [[seller_sku(x.product_id, c.channel_id, n) for n in (1, 2)] for c in market.channels]
        for x in market.products
    ])  # fmt: skip
    gift = np.array([f"GIFT-{i}" for i in range(1, 4)])
    sku = np.where(fate == 3, gift[(product + region) % 3], skus[product, channel, pieces - 1])
    names = np.array([x.name_zh for x in market.products])
    return pl.DataFrame({
        "channel": channel, "region": np.array(market.regions)[region], "day": day, "fate": fate,
        "product_id": np.array([x.product_id for x in market.products])[product],
        "seller_sku": sku, "title": np.where(fate == 3, "农家心意礼包", names[product]),
        "spec": np.where(pieces == 2, "2件装", "1件装"), "quantity": packs // pieces, "goods_yuan": yuan,
    })  # fmt: skip


def _timed(frame: pl.DataFrame, market: Market, size: Size, rng: np.random.Generator) -> pl.DataFrame:
    """Sort by shop and time, join some lines into one order, and give each line its later fate."""
    frame = frame.sort("channel", "day", "region", "second", "product_id", "fate", maintain_order=True)
    same = (
        pl.struct("channel", "day", "region") == pl.struct("channel", "day", "region").shift(1)
    ).fill_null(False)
    one_item = [i for i, c in enumerate(market.channels) if c.platform == "pinduoduo"]
    kept = pl.col("fate").is_in([0, 3])
    joins = same & (pl.Series(rng.random(frame.height)) < p.MERGE_CHANCE) & kept
    joins = joins & kept.shift(1).fill_null(False) & ~pl.col("channel").is_in(one_item)
    frame = frame.with_columns(order_no=(~joins).cum_sum()).with_columns(
        line_no=pl.int_range(pl.len()).over("order_no") + 1, second=pl.col("second").first().over("order_no")
    )
    start = pl.lit(datetime.combine(size.starts_on, datetime.min.time()))
    paid = start + pl.duration(days="day", seconds="second")
    n = frame.height
    hours = pl.DataFrame({
        "pay_wait": rng.integers(5, 600, n), "ship_wait": rng.integers(p.SHIP_HOURS[0] * 60, p.SHIP_HOURS[1] * 60, n),
        "way": rng.integers(p.RECEIVE_HOURS[0] * 60, p.RECEIVE_HOURS[1] * 60, n), "late": rng.random(n), "back": rng.integers(1, 5 * 1440, n),
        "buyer": rng.integers(0, max(n // 3, 1), n),
    })  # fmt: skip
    names = [c.channel_id for c in market.channels]
    frame = hstacked(frame, hours).with_columns(
        channel_id=pl.col("channel").replace_strict(list(range(len(names))), names, return_dtype=pl.String),
        product_id=pl.when(pl.col("fate") != 3).then("product_id"),
        ship_wait=pl.col("ship_wait").first().over("order_no"),
        way=pl.col("way").first().over("order_no"),
        late=pl.col("late").first().over("order_no"),
        back=pl.col("back").first().over("order_no"),
        buyer_no=pl.col("buyer").first().over("order_no"),
        paid_at=pl.when(pl.col("fate") != 1).then(paid),
        created_at=paid - pl.duration(seconds="pay_wait"),
    )  # fmt: skip
    return _followed(frame)


def hstacked(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Two frames of the same height side by side."""
    return pl.concat([left, right], how="horizontal")


def _followed(frame: pl.DataFrame) -> pl.DataFrame:
    """Shipping, receipt and refund times from the waits."""
    after = (pl.col("late") < p.REFUND_AFTER_SHARE) & (pl.col("fate") != 1)
    refund = pl.when(pl.col("fate") == 2).then(pl.lit("before_ship")).when(after).then(pl.lit("after_ship"))
    frame = frame.with_columns(refund=refund.otherwise(pl.lit("")))
    kept = pl.col("refund") != "before_ship"
    shipped = pl.col("paid_at") + pl.duration(minutes="ship_wait")
    received = shipped + pl.duration(minutes="way")
    return frame.with_columns(
        shipped_at=pl.when(kept).then(shipped),
        received_at=pl.when(kept).then(received),
        refunded_at=pl.when(pl.col("refund") == "after_ship").then(received + pl.duration(minutes="back"))
        .when(pl.col("refund") == "before_ship").then(pl.col("paid_at") + pl.duration(minutes=pl.col("back") % 300 + 1)),
    ).select(
        "channel_id", "region", "product_id", "seller_sku", "title", "spec", "quantity", "goods_yuan", "order_no",
        "line_no", "buyer_no", "created_at", "paid_at", "shipped_at", "received_at", "refunded_at", "refund",
    )  # fmt: skip


def as_of(lines: pl.DataFrame, moment: datetime, *, updated_since: datetime | None = None) -> pl.DataFrame:
    """The lines a shop's export would show at `moment`: later times blanked; only those touched since, if asked."""
    times = ["paid_at", "shipped_at", "received_at", "refunded_at"]
    seen = lines.filter(pl.col("created_at") < moment).with_columns(
        pl.when(pl.col(t) < moment).then(t).alias(t) for t in times
    )
    if updated_since is not None:
        seen = seen.filter(pl.max_horizontal("created_at", *times) >= updated_since)
    return seen.with_columns(
        refund=pl.when(pl.col("refunded_at").is_not_null()).then("refund").otherwise(pl.lit(""))
    )


def midnight(size: Size, day: int) -> datetime:
    """Local midnight at which the day of that number begins (0 = the first day)."""
    return datetime.combine(size.starts_on + timedelta(days=day), datetime.min.time())
