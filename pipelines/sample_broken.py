"""Rows broken on purpose in the sample's order files, and how many of each, so that refusals can be counted."""

import csv
import io
from dataclasses import dataclass, replace

import numpy as np

from pipelines.sample_orders import BOM


@dataclass(frozen=True)
class Broken:
    """Rows of one kind in one file: how many a reader must reject, and how many it must drop as no facts."""

    shop: str
    file: str
    kind: str
    rejected: int
    dropped: int

    def of(self, shop: str) -> "Broken":
        """The same of a named shop."""
        return replace(self, shop=shop)


@dataclass(frozen=True)
class _Layout:
    file: str
    order_id: str
    quantity: str
    paid_at: str


_LAYOUTS = {
    "pinduoduo": _Layout("orders_export.csv", "订单号", "商品数量(件)", "支付时间"),
    "douyin": _Layout("orders_by_item.csv", "子订单编号", "商品数量", "支付完成时间"),
    "shopify": _Layout("orders_export_shopify.csv", "Name", "Lineitem quantity", "Paid at"),
    "taobao": _Layout("ExportOrderDetailList.csv", "订单编号", "购买数量", ""),
}
SEEN = 200
"""Rows from the foot of a file that are copied and broken."""
_VALUES = {
    "negative_quantity": ("quantity", "-1"),
    "absurd_quantity": ("quantity", "1000000"),
    "quantity_no_number": ("quantity", "两件"),
    "time_no_date": ("paid_at", "2026/13/45 99:00"),
    "paid_in_future": ("paid_at", "2031-01-01 10:00:00"),
}


def break_some(
    platform: str, files: dict[str, bytes], rng: np.random.Generator, *, each: int = 2
) -> tuple[dict[str, bytes], list[Broken]]:
    """Add broken copies of good rows to the platform's line file, and a totals row at its foot.

    Copies carry order numbers of their own, so the good rows stay as they are.
    """
    layout = _LAYOUTS[platform]
    encoding = "gb18030" if platform == "taobao" else "utf-8"
    text = files[layout.file].removeprefix(BOM).decode(encoding)
    head, *body = csv.reader([*text.split("\n", 1)[0:1], *text.rstrip("\n").split("\n")[-SEEN:]])
    whole = [r for r in body if layout.paid_at == "" or len(r[head.index(layout.paid_at)]) > 5]
    found, added = list[Broken](), list[list[str]]()
    for kind, (role, value) in _VALUES.items():
        if not (column := getattr(layout, role)):
            continue
        for _ in range(each):
            row = list(whole[int(rng.integers(len(whole)))])
            row[head.index(column)] = value
            if platform != "taobao":  # its lines need their order in the other file
                row[head.index(layout.order_id)] += f"9{len(added)}"
            added.append(row)
        found.append(Broken("", layout.file, kind, each, 0))
    total = [""] * len(head)
    total[0], total[head.index(layout.quantity)] = "合计", str(text.count("\n") - 1)
    found.append(Broken("", layout.file, "totals_row", 0, 1))
    out = io.StringIO(newline="")
    quote_all = platform in ("taobao", "douyin")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerows([*added, total])
    return {**files, layout.file: files[layout.file] + out.getvalue().encode(encoding)}, found
