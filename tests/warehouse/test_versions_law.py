"""Laws of versions: no read sees the future, and the order of deliveries does not matter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from warehouse import Warehouse

Rows = Callable[..., pl.DataFrame]
Row = Callable[..., dict[str, Any]]
Instant = Callable[[float], datetime]
law = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

STATES = ["paid", "shipped", "received", "refunded_before_ship"]
CAME = ["known_at", "file_id"]
orders = st.sampled_from(["1", "2", "3"])
states = st.sampled_from(STATES)
deliveries = st.lists(st.dictionaries(orders, states, min_size=1), min_size=1, max_size=3)
"""Files, each with at most one line an order."""


class _UndoneError(Exception):
    pass


@contextmanager
def undone(wh: Warehouse) -> Iterator[None]:
    """Leave the warehouse as it was."""
    try:
        with wh.transaction():
            yield
            raise _UndoneError
    except _UndoneError:
        pass


def view(wh: Warehouse, table: str, known_by: datetime | None = None, drop: list[str] = CAME) -> pl.DataFrame:
    seen = wh.read(table, known_by=known_by)
    said = seen.drop([c for c in drop if c in seen.columns])
    return said.sort(said.columns)


@law
@given(files=deliveries, cutoff=st.integers(0, 3))
def test_a_read_with_a_cutoff_never_sees_a_later_version(
    shared_shop: Warehouse,
    lines: Rows,
    order: Row,
    instant: Instant,
    files: list[dict[str, str]],
    cutoff: int,
) -> None:
    with undone(shared_shop):
        for day, file in enumerate(files):
            rows = [order(o, status=s, known=day) for o, s in file.items()]
            shared_shop.take_in("order_line", lines(*rows), f"file {day}")
        seen = shared_shop.read("order_line", known_by=instant(cutoff))
        assert seen.filter(pl.col("known_at") > instant(cutoff)).is_empty()
        assert set(seen["order_id"]) == {o for file in files[: cutoff + 1] for o in file}
        assert seen["order_id"].is_unique().all()


@law
@given(files=deliveries, cutoff=st.integers(0, 3))
def test_what_was_known_does_not_change_when_more_arrives(
    shared_shop: Warehouse,
    lines: Rows,
    order: Row,
    instant: Instant,
    files: list[dict[str, str]],
    cutoff: int,
) -> None:
    with undone(shared_shop):
        for day, file in enumerate(files):
            rows = [order(o, status=s, known=day) for o, s in file.items()]
            shared_shop.take_in("order_line", lines(*rows), f"file {day}")
            if day == cutoff:
                then = view(shared_shop, "order_line", instant(cutoff), [])
        if len(files) > cutoff:
            assert_frame_equal(view(shared_shop, "order_line", instant(cutoff), []), then)


@law
@given(files=deliveries, data=st.data())
def test_files_shuffled_doubled_and_late_end_in_the_same_view(
    shared_shop: Warehouse, lines: Rows, order: Row, files: list[dict[str, str]], data: st.DataObject
) -> None:
    sequence = list(range(len(files)))
    other = data.draw(st.permutations(sequence + sequence))

    seen: list[pl.DataFrame] = []
    for order_of_files in (sequence, other):
        with undone(shared_shop):
            for arrival, number in enumerate(order_of_files):
                rows = [order(o, status=s, known=arrival) for o, s in files[number].items()]
                shared_shop.take_in("order_line", lines(*rows), f"file {number}")
            seen.append(view(shared_shop, "order_line"))

    assert_frame_equal(*seen)


@law
@given(
    states=st.lists(st.lists(states, min_size=1, max_size=3, unique=True), min_size=1, max_size=3),
    data=st.data(),
)
def test_a_history_in_any_order_equals_the_same_facts_delivered_day_by_day(
    shared_shop: Warehouse,
    lines: Rows,
    order: Row,
    instant: Instant,
    states: list[list[str]],
    data: st.DataObject,
) -> None:
    steps = [sorted(one, key=STATES.index) for one in states]
    facts = [order(str(o), status=s, known=d) for o, one in enumerate(steps) for d, s in enumerate(one)]
    shuffled = data.draw(st.permutations(facts))

    by_day = [[f for f in facts if f["known_at"] == instant(day)] for day in range(3)]
    seen: list[list[pl.DataFrame]] = []
    for files in ([f for f in by_day if f], [shuffled, facts]):
        with undone(shared_shop):
            for number, file in enumerate(files):
                shared_shop.take_in("order_line", lines(*file), f"file {number}")
            seen.append([view(shared_shop, "order_line", instant(day), ["file_id"]) for day in range(3)])

    for one, other in zip(*seen, strict=True):
        assert_frame_equal(one, other)


@law
@given(
    corrections=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=6, unique=True
    ),
    data=st.data(),
)
def test_corrected_days_loaded_in_any_order_read_the_same_at_every_cutoff(
    shared_shop: Warehouse, lines: Rows, sale: Row, instant: Instant, corrections: list[tuple[int, int]],
    data: st.DataObject,
) -> None:  # fmt: skip
    """Every version of a day says another amount, so the newest known by a cutoff is the truth."""
    facts = [sale(10.0 * day + known, day=day, known=known) for day, known in corrections]
    shuffled = data.draw(st.permutations(facts))
    with undone(shared_shop):
        for fact in [*shuffled, *facts]:
            shared_shop.take_in("daily_sale", lines(fact), "f")
        for cutoff in range(5):
            newest = {d: max(k for e, k in corrections if e == d and k <= cutoff)
                      for d, k in corrections if k <= cutoff}  # fmt: skip
            seen = shared_shop.read("daily_sale", known_by=instant(cutoff)).sort("sale_date")
            assert seen["sold_kg"].to_list() == [10.0 * d + k for d, k in sorted(newest.items())]
