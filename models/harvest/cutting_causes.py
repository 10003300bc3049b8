"""Why an order is not served and why ripe kilograms are not cut, read off the plan's own loads."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.cutting_lots import Setting
from models.harvest.cutting_programme import Programme
from models.harvest.cutting_rows import day_of, uncut_kg

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
KG = 0.01
"""Less is not told."""


@dataclass(frozen=True)
class State:
    """standing [lot, day] kg that could still have been cut that day; crew_full [crew, day], room_full and truck_full [room, day]; wet [lot, day]:
    not cut for rain; ways: lot → (crew, room) pairs; sold_off [crop, grade, cutting day] kg."""

    standing: Floats
    crew_full: Flags
    room_full: Flags
    truck_full: Flags
    wet: Flags
    ways: dict[int, list[tuple[int, int]]]
    sold_off: Floats

    def why_not_cut(self, lot: int, days: range) -> str | None:
        """What kept the lot from being cut more on those of these days on which it stood ripe; None: nothing did."""
        ways = self.ways.get(lot, [])
        if not ways:
            return "too_far"
        dry = [d for d in days if self.standing[lot, d] > KG and not self.wet[lot, d]]
        if not dry:
            return "rain"
        with_hands = [d for d in dry if any(not self.crew_full[k, d] for k, _ in ways)]
        if not with_hands:
            return "crew_hours"
        if not any(not self.room_full[w, d] for d in with_hands for _, w in ways):
            return "cold_room"
        return None


def _state(s: Setting, programme: Programme, x: Floats, crews: pl.DataFrame, rooms: pl.DataFrame) -> State:
    days = s.params.days
    uncut, lost = uncut_kg(s, programme, x)
    standing = (uncut + lost) * s.lots.left[:, :-1]
    visit = s.params.visit_hours + 2 * float(s.ways["way_hours"].min() or 0.0)  # type: ignore[arg-type]
    spare = (crews["limit_hours"] - crews["used_hours"]).to_numpy().reshape(-1, days)
    room = (rooms["capacity_kg"] - rooms["stored_kg"]).to_numpy().reshape(-1, days)
    truck = s.problem.cold_rooms["truck_kg_per_day"].fill_null(np.inf).to_numpy().astype(float)[:, None]
    shipped = rooms["shipped_kg"].to_numpy().reshape(-1, days)
    dry = s.crops["needs_dry"].to_numpy()[s.lots.table["crop"].to_numpy()]
    ways: dict[int, list[tuple[int, int]]] = {}
    for lot, crew, at in s.ways.select("lot", "crew", "room").iter_rows():
        ways.setdefault(lot, []).append((crew, at))
    sold_off = np.zeros((s.crops.height, len(s.params.grades), days))
    for crop, grade, cut, kg in programme.of("dumps", x).select("crop", "grade", "cut", "kg").iter_rows():
        sold_off[crop, grade, max(cut, 0)] += kg
    return State(
        standing, spare <= visit + 1e-6, room <= KG, shipped >= truck - KG,
        dry[:, None] & (1 - s.rain < s.params.dry_chance)[None, :], ways, sold_off,
    )  # fmt: skip


def unserved_rows(
    s: Setting,
    programme: Programme,
    x: Floats,
    serves: pl.DataFrame,
    crews: pl.DataFrame,
    rooms: pl.DataFrame,
) -> pl.DataFrame:
    """CutPlan.unserved."""
    state = _state(s, programme, x, crews, rooms)
    got = serves.group_by("order_id").agg(served_kg=pl.col("served_kg").sum())
    short = s.orders.join(got, on="order_id", how="left", maintain_order="left").with_columns(
        unserved_kg=pl.col("order_kg") - pl.col("served_kg").fill_null(0.0)
    ).filter(pl.col("unserved_kg") > KG)  # fmt: skip
    cause = {b: _why_unserved(s, state, b) for b in short["bucket"].unique().to_list()}
    return short.select(
        "order_id", "crop_id", "grade", "ship_on", "is_promised", "unserved_kg",
        cause=pl.col("bucket").replace_strict(cause, return_dtype=pl.String, default=None),
    ).sort("ship_on", "order_id")  # fmt: skip


def _why_unserved(s: Setting, state: State, bucket: int) -> str:
    crop, rank, ship = s.buckets.select("crop", "rank", "ship").row(bucket)
    most = int(s.most[bucket].max()) if s.most.shape[1] else -1
    if most < 0:
        return "route_too_long"
    if state.truck_full[s.most[bucket] >= 0, ship].all():
        return "truck"
    window = range(max(ship - most, 0), ship + 1)
    lots = np.flatnonzero(s.lots.table["crop"].to_numpy() == crop)
    standing = [i for i in lots if state.standing[i, window.start : window.stop].max() > KG]
    fine = [i for i in standing if s.lots.share[i, : rank + 1].sum() > 1e-9]
    if not fine:
        sold = state.sold_off[crop, :, window.start : window.stop]
        return (
            "cold_room"
            if sold[: rank + 1].max() > KG
            else "grade"
            if standing or sold.max() > KG
            else "not_ripe"
        )
    causes = [state.why_not_cut(int(i), window) for i in fine]
    return next(
        (c for c in ("crew_hours", "rain", "cold_room", "too_far") if None not in causes and c in causes),
        "worth_less",
    )


def uncut_rows(
    s: Setting, programme: Programme, x: Floats, crews: pl.DataFrame, rooms: pl.DataFrame
) -> pl.DataFrame:
    """CutPlan.uncut: what stands until it is lost, rain's own toll left out; what was lost before the first day too."""
    state = _state(s, programme, x, crews, rooms)
    gone = uncut_kg(s, programme, x)[1] * s.lots.left[:, :-1]
    lots, days = np.nonzero(gone > KG)
    holds = s.lots.table["hold_days"].to_numpy()
    causes = [
        state.why_not_cut(int(i), range(max(int(d - holds[i]), 0), int(d) + 1)) or "no_buyer"
        for i, d in zip(lots, days, strict=True)
    ]
    told = pl.DataFrame({"lot": lots, "day": days, "lost_kg": gone[lots, days]}).with_columns(
        cause=pl.Series(causes, dtype=pl.String)
    ).join(s.lots.table.select("lot", "plot_id", "crop_id"), on="lot", maintain_order="left")  # fmt: skip
    stale = s.lots.table.with_columns(
        lost_kg=pl.Series(s.lots.stale_kg), cause=pl.lit("before"), day=pl.lit(-1)
    )
    columns = ["plot_id", "crop_id", "day", "lost_kg", "cause"]
    both = pl.concat([told.select(*columns).cast({"day": pl.Int64}),
                      stale.filter(pl.col("lost_kg") > KG).select(*columns).cast({"day": pl.Int64})])  # fmt: skip
    return both.select("plot_id", "crop_id", lost_on=day_of(s, "day"), lost_kg="lost_kg", cause="cause").sort(
        "lost_on", "plot_id", "crop_id"
    )
