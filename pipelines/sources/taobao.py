"""Taobao and Tmall: the order report and the item report are one load, joined by 订单编号."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipelines.sources.cells import clean_text, first_filled, whole, yuan
from pipelines.sources.kinds import REJECTED_SCHEMA, Batch, Context, FileRefused
from pipelines.sources.layout import Layout
from pipelines.sources.order_lines import OrderLines
from pipelines.sources.orders import PAIR, half_a_pair, raw_blocks
from pipelines.sources.profile import Profile, normal, profiles
from pipelines.sources.records import LINE

MOST_BYTES = 512 * 1024 * 1024
"""The reports of one delivery are joined in memory; more than this must be split by time."""
FROM_ORDER = ("head", "status", "goods", "paid_at", "ordered_at", "parcel", "address", "buyer")
"""Roles that an item line takes from its order."""
ORDER_ID = "order:id"
WORTH = "order:worth"
"""Price × quantity of an item line (yuan)."""


@dataclass(frozen=True)
class Half:
    """One file of a pair with the context it is loaded in."""

    path: Path
    profile: str
    context: Context


@dataclass(frozen=True)
class _Read:
    """A half that was read: cells as delivered, and its cleaned order numbers."""

    half: Half
    layout: Layout
    raw: pl.DataFrame
    order_ids: pl.Series
    foreign: Mapping[str, int]
    """Rows of sheets with another layout."""


def parse_pair(halves: Sequence[Half]) -> Iterator[tuple[Half, Batch]]:
    """The batches of each file of a delivery that holds both reports of one shop, any number of each.

    Item lines are the facts. Rows of the order report are heads: dropped with their number as `order_head`, or rejected
    when they were paid and no item line names them. An item line without its order is rejected. The money an order
    was paid with (less postage) goes to its lines by price × quantity, in cents that add up.

    Raises:
        FileRefused: A half is missing, unreadable, or too large to join.
    """
    for name in PAIR:
        if not any(half.profile == name for half in halves):
            raise half_a_pair(halves[0].path, profiles()[halves[0].profile])
    if (size := sum(half.path.stat().st_size for half in halves)) > MOST_BYTES:
        names = ", ".join(f"'{half.path.name}'" for half in halves)
        raise FileRefused(
            "pair_too_large",
            f"{names} have {size >> 20} MB together; reports are joined up to {MOST_BYTES >> 20} MB: load year by year",
        )
    read = [_read(half) for half in halves]
    heads = [r for r in read if r.half.profile == "taobao_orders"]
    items = [r for r in read if r.half.profile == "taobao_items"]
    orders = pl.concat([_order_cells(head) for head in heads]).unique(
        ORDER_ID, keep="last", maintain_order=True
    )
    known = pl.concat([item.order_ids for item in items])
    for head in heads:
        yield head.half, _head_batch(head, known)
    for item in items:
        for batch in _item_batches(item, orders):
            yield item.half, batch


def _read(half: Half) -> _Read:
    declared, layout, frames, foreign = profiles()[half.profile], None, [], dict[str, int]()
    for found, raw, reason in raw_blocks(half.path, declared):
        if found is None:
            foreign[reason] = foreign.get(reason, 0) + raw.height
        else:
            layout = layout or found
            frames.append(raw)
    if layout is None:
        raise FileRefused("header_missing", f"'{half.path.name}' has no sheet with the {declared.title}")
    raw = pl.concat(frames, how="diagonal")
    ids = first_filled(clean_text(raw), layout.roles(declared)["order_id"])
    return _Read(half, layout, raw, ids.rename(ORDER_ID), foreign)


def _order_cells(head: _Read) -> pl.DataFrame:
    """What item lines need of the orders: one text column per role, as delivered, and what each was paid with."""
    declared = profiles()["taobao_orders"]
    roles = head.layout.roles(declared)
    cells = clean_text(head.raw)
    taken = {role: role for role in FROM_ORDER} | {"status": "order_status", "head": "order_id"}
    texts = {f"order:{role}": first_filled(cells, roles.get(source, [])) for role, source in taken.items()}
    less = yuan(first_filled(cells, roles.get("goods_less", []))).fill_null(0)
    frame = pl.DataFrame({ORDER_ID: head.order_ids, **texts})
    total = (yuan(frame["order:goods"]) - less).clip(lower_bound=0)
    return frame.with_columns(total.alias("order:total")).drop_nulls(ORDER_ID)


def _head_batch(head: _Read, known: pl.Series) -> Batch:
    """The order report's own account: heads of item lines, unpaid orders, and orders no item line names."""
    declared = profiles()["taobao_orders"]
    as_lines = replace(declared, columns={**declared.columns, "status": declared.columns["order_status"]})
    judged = OrderLines(as_lines, head.layout.roles(as_lines), head.layout.header_row, head.half.context)
    lines = judged.dropped(head.raw)
    is_named = head.order_ids.is_in(known.implode())
    dropped = dict(lines.drop_nulls().value_counts().sort("dropped").iter_rows())
    heads = int((lines.is_null() & is_named).sum())
    lonely = head.raw.filter(lines.is_null() & ~is_named.fill_null(value=False))
    kept = [name for name in lonely.columns if name in as_lines.names(kept=True)]
    rejected = lonely.select(
        LINE,
        rule=pl.lit("order_without_items"),
        detail=pl.lit("no line of the item report names this order: export both reports for the same days"),
        row_text=pl.struct(kept).struct.json_encode(),
    )
    counted = {**dropped, **({"order_head": heads} if heads else {}), **head.foreign}
    rows = head.raw.height + sum(head.foreign.values())
    return Batch("order_line", pl.DataFrame(), rejected.cast(REJECTED_SCHEMA), counted, rows)


def _item_batches(item: _Read, orders: pl.DataFrame) -> Iterator[Batch]:
    """The item report's lines with what their orders say."""
    declared = _joined_profile()
    own = item.layout.roles(profiles()["taobao_items"])
    joined = pl.concat([item.raw, item.order_ids.to_frame()], how="horizontal").join(
        orders, on=ORDER_ID, how="left", maintain_order="left"
    )
    cells = clean_text(item.raw)
    worth = yuan(first_filled(cells, own["unit_price"])) * whole(first_filled(cells, own["quantity"]))
    shared = joined.with_columns(worth.alias(WORTH)).with_columns(_share().alias("order:goods")).drop(WORTH)
    roles = {**own, **{role: [f"order:{role}"] for role in FROM_ORDER}}
    roles["status"] = [*own.get("status", []), "order:status"]
    reader = OrderLines(declared, roles, item.layout.header_row, item.half.context)
    yield from reader.batches(shared)
    if item.foreign:
        count = sum(item.foreign.values())
        yield Batch("order_line", pl.DataFrame(), dropped=item.foreign, read=count)


def _share() -> pl.Expr:
    """An order's money on this line as text: by its share of price × quantity, in cents that add up to the order's."""
    part = pl.col(WORTH).fill_null(0).clip(lower_bound=0)
    until = part.cum_sum().over(ORDER_ID)
    whole_worth = part.sum().over(ORDER_ID)
    cents = pl.col("order:total") * 100
    line = (cents * until / whole_worth).round() - (cents * (until - part) / whole_worth).round()
    shared = pl.when(whole_worth > 0).then((line / 100).round(2).cast(pl.String))
    return pl.when(pl.col("order:total").is_null()).then(pl.col("order:goods")).otherwise(shared)


def _joined_profile() -> Profile:
    items, orders = (profiles()[name] for name in ("taobao_items", "taobao_orders"))
    of_order = {role: (normal(f"order:{role}"),) for role in FROM_ORDER if role != "status"}
    columns = {**items.columns, **of_order}
    columns["status"] = (*items.columns["status"], "order:status")
    return replace(items, columns=columns, personal=(*orders.personal, "head"))
