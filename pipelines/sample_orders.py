"""Order exports as the platforms write them: lines in, the bytes of real file layouts out. Used by the sample only.

Every function takes lines as one export shows them (models.simulation.orders.as_of) and the moment of the export.
Names, addresses and phones are made-up masks, so that what must never enter the warehouse has something to bite on.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from pipelines.sources.provinces import PROVINCES

BOM = b"\xef\xbb\xbf"
MASK = "##密文##"
STAMP = "%Y-%m-%d %H:%M:%S"
_PINYIN = {full: pinyin.title() for full, pinyin in PROVINCES.values()}


def _when(column: str, *, tab: bool = False, none: str = "") -> pl.Expr:
    text = pl.col(column).dt.strftime(STAMP)
    return (pl.lit("\t") + text if tab else text).fill_null(none)


def _yuan(column: str) -> pl.Expr:
    return (
        pl.col(column)
        .round(2)
        .map_batches(lambda s: pl.Series([f"{v:.2f}" for v in s]), return_dtype=pl.String)
    )


def _digits(lead: str, width: int, expr: pl.Expr) -> pl.Expr:
    return pl.lit(lead) + expr.cast(pl.String).str.zfill(width)


def _expired(moment: datetime) -> pl.Expr:
    return pl.col("created_at") < moment - timedelta(days=1)


def _state(unpaid: str, closed: str, paid: str, shipped: str, received: str, moment: datetime) -> pl.Expr:
    return (
        pl.when(pl.col("paid_at").is_null() & _expired(moment)).then(pl.lit(closed))
        .when(pl.col("paid_at").is_null()).then(pl.lit(unpaid))
        .when(pl.col("received_at").is_not_null()).then(pl.lit(received))
        .when(pl.col("shipped_at").is_not_null()).then(pl.lit(shipped))
        .otherwise(pl.lit(paid))
    )  # fmt: skip


def pinduoduo(lines: pl.DataFrame, moment: datetime) -> dict[str, bytes]:
    """One CSV, UTF-8 with BOM; quantity and pay time carry a tab, as the back office writes them."""
    plain = _state("待支付", "已取消", "待发货", "已发货，待签收", "已签收", moment)
    status = (
        pl.when(pl.col("refund") == "before_ship").then(pl.lit("未发货，退款成功"))
        .when(pl.col("refund") == "after_ship").then(pl.lit("已签收，退款成功"))
        .otherwise(plain)
    )  # fmt: skip
    day = pl.col("created_at").dt.strftime("%y%m%d-")
    frame = lines.select(
        pl.col("title").alias("商品"), (day + pl.col("order_no").cast(pl.String).str.zfill(15)).alias("订单号"),
        status.alias("订单状态"), _yuan("goods_yuan").alias("商品总价(元)"), pl.lit("0.00").alias("邮费(元)"),
        pl.lit("0.00").alias("店铺优惠折扣(元)"), pl.lit("0.00").alias("平台优惠折扣(元)"),
        pl.lit("0.00").alias("多多支付立减金额(元)"), _yuan("goods_yuan").alias("用户实付金额(元)"),
        _yuan("goods_yuan").alias("商家实收金额(元)"),
        (pl.lit("\t") + pl.col("quantity").cast(pl.String)).alias("商品数量(件)"),
        _when("shipped_at").alias("发货时间"), _when("received_at").alias("确认收货时间"),
        pl.lit("").alias("商品id"), pl.col("spec").alias("商品规格"), pl.lit("").alias("样式ID"),
        pl.col("seller_sku").alias("商家编码-规格维度"), pl.lit("").alias("商家编码-商品维度"), pl.lit("").alias("商家备注"),
        pl.when(pl.col("refund") != "").then(pl.lit("退款成功")).otherwise(pl.lit("无售后或售后取消")).alias("售后状态"),
        pl.when(pl.col("shipped_at").is_not_null()).then(_digits("YT", 13, pl.col("order_no"))).otherwise(pl.lit("")).alias("快递单号"),
        pl.lit("圆通快递").alias("快递公司"), _when("created_at").alias("订单成交时间"), pl.lit("否").alias("是否分期"),
        pl.lit("").alias("分期期数"), pl.lit("").alias("手续费承担方"), pl.lit("").alias("分期方式"),
        _when("paid_at", tab=True).alias("支付时间"), pl.col("region").alias("省"), pl.lit("").alias("市"),
        pl.lit(MASK).alias("消费者资料"),
    )  # fmt: skip
    return {"orders_export.csv": BOM + frame.write_csv().encode()}


def taobao(lines: pl.DataFrame, moment: datetime) -> dict[str, bytes]:
    """The pair of reports, both GBK: one row per order, one row per article."""
    number = _digits("41", 17, pl.col("order_no") * 97 + 11)
    words = ("等待买家付款", "交易关闭", "买家已付款，等待卖家发货", "卖家已发货，等待买家确认", "交易成功")
    closed = pl.when(pl.col("refund") != "").then(pl.lit("交易关闭"))
    lines = lines.with_columns(number=number, state=closed.otherwise(_state(*words, moment)))
    items = lines.select(
        pl.col("number").alias("订单编号"), pl.col("title").alias("标题"),
        pl.col("goods_yuan").truediv("quantity").round(2).alias("价格"), pl.col("quantity").alias("购买数量"),
        pl.lit("").alias("外部系统编号"), pl.col("spec").alias("商品属性"), pl.lit("").alias("套餐信息"),
        pl.lit("").alias("备注"), pl.col("state").alias("订单状态"), pl.col("seller_sku").alias("商家编码"),
    ).cast(pl.String)  # fmt: skip
    orders = _taobao_orders(lines)
    return {
        "ExportOrderList.csv": orders.write_csv(quote_style="always").encode("gb18030"),
        "ExportOrderDetailList.csv": items.write_csv(quote_style="always").encode("gb18030"),
    }


def _taobao_orders(lines: pl.DataFrame) -> pl.DataFrame:
    whole = lines.group_by("number", maintain_order=True).agg(
        pl.col("goods_yuan").sum(), pl.col("quantity").sum(), kinds=pl.len(),
        state=pl.col("state").first(), titles=pl.col("title").str.join("，"),
        **{c: pl.col(c).first() for c in ("buyer_no", "region", "created_at", "paid_at", "shipped_at", "order_no")},
    )  # fmt: skip
    province = (
        pl.when(pl.col("region").str.ends_with("市"))
        .then(pl.col("region").str.strip_suffix("市"))
        .otherwise("region")
    )
    address = pl.lit(f"{MASK}，86-1**********，") + province + pl.lit(f" 某某市 某某区 {MASK} ，")
    paid = pl.when(pl.col("paid_at").is_not_null()).then(_yuan("goods_yuan")).otherwise(pl.lit("0.00"))
    return whole.select(
        pl.col("number").alias("订单编号"), _digits("买家", 7, pl.col("buyer_no")).alias("买家会员名"),
        pl.lit(MASK).alias("买家支付宝账号"), _yuan("goods_yuan").alias("买家应付货款"), pl.lit("0.00").alias("买家应付邮费"),
        pl.lit("0").alias("买家支付积分"), _yuan("goods_yuan").alias("总金额"), pl.lit("0").alias("返点积分"),
        paid.alias("买家实际支付金额"), pl.lit("0").alias("买家实际支付积分"), pl.col("state").alias("订单状态"),
        pl.lit("").alias("买家留言"), pl.lit(MASK).alias("收货人姓名"), address.alias("收货地址 "), pl.lit("快递").alias("运送方式"),
        pl.lit("").alias("联系电话"), pl.lit("'1**********").alias("联系手机"), _when("created_at").alias("订单创建时间"),
        _when("paid_at").alias("订单付款时间 "), pl.col("titles").alias("宝贝标题"), pl.col("kinds").alias("宝贝种类"),
        pl.when(pl.col("shipped_at").is_not_null()).then(_digits("No:YT", 13, pl.col("order_no"))).otherwise(pl.lit("")).alias("物流单号"),
        pl.lit("").alias("物流公司"), pl.lit("").alias("订单备注"), pl.col("quantity").alias("宝贝总数量"),
        pl.lit("").alias("订单关闭原因"), pl.lit("").alias("异常信息"),
    ).cast(pl.String)  # fmt: skip


def douyin(lines: pl.DataFrame, moment: datetime) -> dict[str, bytes]:
    """One CSV by item, UTF-8 with BOM, every cell quoted, ids behind a tab."""
    main = _digits("69", 17, pl.col("order_no") * 89 + 7)
    sub = _digits("69", 17, pl.col("order_no") * 89 + 6 + pl.col("line_no"))
    closed = pl.when(pl.col("refund") == "before_ship").then(pl.lit("已关闭"))
    frame = lines.select(
        (pl.lit("\t") + main).alias("主订单编号"), (pl.lit("\t") + sub).alias("子订单编号"), pl.col("title").alias("选购商品"),
        pl.col("spec").alias("商品规格"), pl.col("quantity").cast(pl.String).alias("商品数量"),
        (pl.lit("\t") + pl.col("seller_sku")).alias("商家编码"), _yuan("goods_yuan").alias("订单应付金额"), pl.lit("0.00").alias("运费"),
        pl.lit(MASK).alias("收件人"), pl.lit("$$密文$$").alias("收件人手机号"),
        (pl.col("region") + pl.lit(MASK)).alias("详细地址"), _when("created_at").alias("订单提交时间"), pl.lit("").alias("商家备注"),
        _when("received_at", none="-").alias("订单完成时间"),
        closed.otherwise(_state("待支付", "已关闭", "待发货", "已发货", "已完成", moment)).alias("订单状态"),
        pl.when(pl.col("refund") != "").then(pl.lit("退款成功")).otherwise(pl.lit("-")).alias("售后状态"),
        pl.lit("").alias("取消原因"), _when("shipped_at", none="-").alias("发货时间"), _when("paid_at", none="-").alias("支付完成时间"),
        pl.lit("0.00").alias("平台实际承担优惠金额"), pl.lit("0.00").alias("商家实际承担优惠金额"),
        pl.lit("0.00").alias("达人实际承担优惠金额"), pl.col("region").alias("省"),
    )  # fmt: skip
    return {"orders_by_item.csv": BOM + frame.write_csv(quote_style="always").encode()}


def shopify(lines: pl.DataFrame, moment: datetime) -> dict[str, bytes]:
    """One CSV, one row per line item; cells of the order stand on its first row only."""
    first = pl.col("line_no") == 1

    def once(expr: pl.Expr) -> pl.Expr:
        return pl.when(first).then(expr).otherwise(pl.lit(""))

    def zoned(column: str) -> pl.Expr:
        return once((pl.col(column).dt.strftime(STAMP) + pl.lit(" +0800")).fill_null(""))

    financial = pl.when(pl.col("refund") != "").then(pl.lit("refunded")).otherwise(
        _state("pending", "voided", "paid", "paid", "paid", moment))  # fmt: skip
    shipped = (
        pl.when(pl.col("shipped_at").is_not_null()).then(pl.lit("fulfilled")).otherwise(pl.lit("unfulfilled"))
    )
    price = (pl.col("goods_yuan") / pl.col("quantity")).round(2).cast(pl.String)
    cancelled = pl.when(pl.col("paid_at").is_null() & _expired(moment)).then(
        (pl.col("created_at") + pl.duration(days=1)).dt.strftime(STAMP) + pl.lit(" +0800")).otherwise(pl.lit(""))  # fmt: skip
    frame = lines.select(
        (pl.lit("#") + (pl.col("order_no") + 1000).cast(pl.String)).alias("Name"),
        once(_digits("member", 7, pl.col("buyer_no")) + pl.lit("@example.invalid")).alias("Email"),
        once(financial).alias("Financial Status"), zoned("paid_at").alias("Paid at"), once(shipped).alias("Fulfillment Status"),
        zoned("shipped_at").alias("Fulfilled at"), once(pl.lit("no")).alias("Accepts Marketing"), once(pl.lit("CNY")).alias("Currency"),
        once(_yuan("goods_yuan")).alias("Subtotal"), once(pl.lit("0.00")).alias("Shipping"), once(pl.lit("0.00")).alias("Taxes"),
        once(_yuan("goods_yuan")).alias("Total"), zoned("created_at").alias("Created at"),
        pl.col("quantity").cast(pl.String).alias("Lineitem quantity"), pl.col("title").alias("Lineitem name"),
        price.alias("Lineitem price"), pl.col("seller_sku").alias("Lineitem sku"),
        pl.lit("true").alias("Lineitem requires shipping"), once(pl.lit(MASK)).alias("Shipping Name"),
        once(pl.lit(MASK)).alias("Shipping Address1"), once(pl.lit("CN")).alias("Shipping Country"),
        once(pl.lit("'1**********")).alias("Shipping Phone"), once(cancelled).alias("Cancelled at"),
        once(pl.col("region").replace(_PINYIN)).alias("Shipping Province Name"), pl.lit("0.00").alias("Lineitem discount"),
    )  # fmt: skip
    return {"orders_export_shopify.csv": frame.write_csv().encode()}


WRITERS: dict[str, Callable[[pl.DataFrame, datetime], dict[str, bytes]]] = {
    "pinduoduo": pinduoduo,
    "taobao": taobao,
    "douyin": douyin,
    "shopify": shopify,
}
"""Platform → writer: file name → bytes."""
