"""Writes order files for the ingest benchmark: Pinduoduo's 27 columns, made up, the same for the same seed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

HEADER = (
    "商品", "订单号", "订单状态", "商品总价(元)", "邮费(元)", "店铺优惠折扣(元)", "平台优惠折扣(元)",
    "多多支付立减金额(元)", "用户实付金额(元)", "商家实收金额(元)", "商品数量(件)", "发货时间", "确认收货时间",
    "商品id", "商品规格", "样式ID", "商家编码-规格维度", "商家编码-商品维度", "商家备注", "售后状态", "快递单号",
    "快递公司", "订单成交时间", "是否分期", "分期期数", "手续费承担方", "分期方式",
)  # fmt: skip
ROWS_PER_BLOCK = 100_000
FIRST_DAY = datetime(2025, 1, 1)  # noqa: DTZ001 - as printed in the file, local time
SECONDS = 365 * 86_400

GOODS = ("阳光玫瑰葡萄", "蜜薯红薯", "稻田大米", "大闸蟹", "水果番茄", "小白菜", "莲藕", "香菇")
BOASTS = ("产地直发当季现摘", "农家自种新鲜孕妇辅食", "整箱顺丰包邮", "坏果包赔助农", "源头县城合作社出品")
WEIGHTS = ("2斤装", "3斤装", "5斤装", "9斤家庭装", "礼盒装(约4斤)")
STATES = ("待发货", "已发货，待签收", "已签收", "未发货，退款成功", "已签收，退款成功", "已取消")
STATE_SHARES = (0.05, 0.15, 0.72, 0.03, 0.03, 0.02)
CARRIERS = ("中通快递", "圆通快递", "韵达快递", "极兔速递", "邮政快递包裹", "顺丰速运")


def write_order_file(path: Path, *, rows: int, seed: int, encoding: str = "utf-8") -> Path:
    """Write `rows` order lines and their header to `path` (by way of a .part file) and return it.

    Order numbers and times rise through the file; times carry the leading tab the platform writes. Every
    block is drawn from (seed, block number), so a longer file begins with the shorter one.
    """
    part = path.with_suffix(".part")
    with part.open("wb") as out:
        out.write((",".join(HEADER) + "\r\n").encode(encoding))
        for block in blocks(rows, seed):
            text = block.write_csv(include_header=False, line_terminator="\r\n")
            out.write(text.encode(encoding))
    part.replace(path)
    return path


def blocks(rows: int, seed: int) -> Iterator[pl.DataFrame]:
    """The lines of the file as text columns, at most `ROWS_PER_BLOCK` at a time."""
    for number, start in enumerate(range(0, rows, ROWS_PER_BLOCK)):
        height = min(ROWS_PER_BLOCK, rows - start)
        yield order_lines(start, ROWS_PER_BLOCK, np.random.default_rng([seed, number])).head(height)


def order_lines(start: int, height: int, rng: np.random.Generator) -> pl.DataFrame:
    """`height` lines beginning with order number `start`."""
    draw = pl.DataFrame(
        {
            "serial": np.arange(start, start + height),
            "good": rng.integers(0, len(GOODS), height),
            "boast": rng.integers(0, len(BOASTS), height),
            "weight": rng.integers(0, len(WEIGHTS), height),
            "state": rng.choice(len(STATES), height, p=STATE_SHARES),
            "pieces": 1 + rng.poisson(0.25, height),
            "cents": rng.integers(990, 12_900, height),
            "coupon": rng.choice([0, 100, 300, 500], height, p=[0.6, 0.2, 0.1, 0.1]),
            "carrier": rng.integers(0, len(CARRIERS), height),
            "parcel": rng.integers(10**14, 10**15, height),
            "hours": rng.integers(6, 72, height),
        }
    )
    paid_at = pl.lit(FIRST_DAY) + pl.duration(seconds=(pl.col("serial") * 13) % SECONDS)
    return draw.with_columns(paid_at=paid_at).select(_columns())


def _columns() -> list[pl.Expr]:
    """The 27 columns, in the order of the header, from one block's draws."""
    good, boast, weight = (_pick(*pair) for pair in (("good", GOODS), ("boast", BOASTS), ("weight", WEIGHTS)))
    total = pl.col("cents") * pl.col("pieces")
    paid = (total - pl.col("coupon")).clip(lower_bound=0)
    shipped = ~pl.col("state").is_in([0, 3, 5])
    received = pl.col("state").is_in([2, 4])
    sku = pl.format("SKU-{}-{}", pl.col("good"), pl.col("weight"))
    time = "\t%Y-%m-%d %H:%M:%S"
    sent_at = pl.col("paid_at") + pl.duration(hours="hours")
    columns = [
        pl.format("{}{}{}", good, boast, weight),
        pl.format("{}-{}", pl.col("paid_at").dt.strftime("%y%m%d"), pl.col("serial") + 100_000_000_000_000),
        _pick("state", STATES),
        _yuan(total), pl.lit("0.00"), _yuan(pl.col("coupon")), pl.lit("0.00"), pl.lit("0.00"),
        _yuan(paid), _yuan(paid),
        pl.format("\t{}", pl.col("pieces")),
        pl.when(shipped).then(sent_at.dt.strftime(time)).otherwise(pl.lit("\t")),
        pl.when(received).then((sent_at + pl.duration(days=3)).dt.strftime(time)).otherwise(pl.lit("\t")),
        (pl.col("good") + 612_345_678_900).cast(pl.String), weight,
        (pl.col("good") * 10 + pl.col("weight") + 1_390_000_000_000).cast(pl.String),
        sku, pl.format("GOODS-{}", pl.col("good")), pl.lit(""),
        pl.when(pl.col("state").is_in([3, 4])).then(pl.lit("退款成功")).otherwise(pl.lit("无售后或售后取消")),
        pl.when(shipped).then(pl.col("parcel").cast(pl.String)).otherwise(pl.lit("")),
        pl.when(shipped).then(_pick("carrier", CARRIERS)).otherwise(pl.lit("")),
        pl.col("paid_at").dt.strftime(time),
        pl.lit("否"), pl.lit(""), pl.lit(""), pl.lit(""),
    ]  # fmt: skip
    return [column.alias(name) for column, name in zip(columns, HEADER, strict=True)]


def _pick(index: str, words: tuple[str, ...]) -> pl.Expr:
    return pl.col(index).replace_strict(dict(enumerate(words)), return_dtype=pl.String)


def _yuan(cents: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))
