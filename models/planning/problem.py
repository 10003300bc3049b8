"""What a planting plan is asked for and what comes back: frozen values, so `replace` makes a what-if."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

import polars as pl

AREA_DECIMALS = 6
"""A plan's areas are rounded to this many decimals of a mu; every limit holds to one unit of the last."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "plots": ("plot_id", "land_class", "area_mu"),
    "practices": (
        "practice_id", "crop_id", "land_class", "season", "last_season", "cost_yuan_per_mu", "is_perennial",
    ),
    "yields": ("practice_id", "crop_id", "yield_kg_per_mu", "price_yuan_per_kg", "salvage_yuan_per_kg"),
    "crops": ("crop_id", "name_zh", "name_en", "family", "is_legume"),
    "history": ("plot_id", "crop_id", "year", "season", "area_mu", "practice_id"),
    "demand": ("crop_id", "year", "season", "demand_kg", "committed_kg", "demand_source"),
    "fixed": ("plot_id", "practice_id", "year", "season", "min_mu", "max_mu"),
}  # fmt: skip

FIXED_SCHEMA = pl.Schema(
    {
        "plot_id": pl.String, "practice_id": pl.String, "year": pl.Int64, "season": pl.Int64,
        "min_mu": pl.Float64, "max_mu": pl.Float64,
    }
)  # fmt: skip
MISSING_SCHEMA = pl.Schema({"crop_id": pl.String, "what": pl.String, "detail": pl.String})


@dataclass(frozen=True)
class Params:
    """Rules and horizon of one plan.

    Years `first_year` … `first_year + years − 1` are planned, the first of them from `first_season` on; what came
    before is history. `repeat`: a crop on any part of a plot is on no part of it in the plot's next season, and with
    'season-too' not in the same season of the next year either. `legume_years`: in every window of so many years,
    starting at `legume_from` (default: the year before the first planned) or later and ending inside the plan,
    legume areas on a plot add up to its area at least; 0 switches the rule off; `legume_classes` limits it to some
    land classes (None: all). `min_share`: what a crop takes of a plot at least. `may_repeat` names crops that the
    repeat rule leaves alone, such as paddy rice; perennials always stay. `surplus`: what demand leaves over brings its
    salvage price, or nothing. `one_crop` names land classes and seasons in which a plot bears a single crop.
    """

    first_year: int
    years: int = 3
    first_season: int = 1
    repeat: Literal["next", "season-too"] = "next"
    rotate_by: Literal["crop", "family"] = "crop"
    may_repeat: frozenset[str] = frozenset()
    surplus: Literal["salvage", "lost"] = "salvage"
    legume_years: int = 3
    legume_from: int | None = None
    legume_classes: frozenset[str] | None = None
    min_share: float = 0.0
    one_crop: frozenset[tuple[str, int]] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.years <= 10:
            raise ValueError(f"years is {self.years}; plan 1 to 10 years")
        if not 0 <= self.min_share <= 1:
            raise ValueError(f"min_share is {self.min_share}; give a share of the plot between 0 and 1")
        if self.legume_years < 0:
            raise ValueError(
                f"legume_years is {self.legume_years}; give the window's years, or 0 for no rule"
            )

    @property
    def last_year(self) -> int:
        """The last planned year."""
        return self.first_year + self.years - 1

    def legume_windows(self) -> list[tuple[int, int]]:
        """First and last year of each window that holds at least one planned year."""
        if not self.legume_years:
            return []
        start = self.legume_from if self.legume_from is not None else self.first_year - 1
        ends = range(max(start + self.legume_years - 1, self.first_year), self.last_year + 1)
        return [(end - self.legume_years + 1, end) for end in ends]


@dataclass(frozen=True)
class Stop:
    """When the search ends. Nodes and rounds are the same on every machine; seconds are only a cap.

    `bound_rounds`: so many rounds of prices look for a bound tighter than the relaxation's; 0 leaves it at that.
    """

    gap: float = 0.005
    nodes: int = 400
    rounds: int = 40
    time_limit_s: float = 60.0
    bound_rounds: int = 0


@dataclass(frozen=True)
class Problem:
    """Land, practices, history and demand, one frame each, in the warehouse's column names (see NEEDS).

    `yields` is practice_yield: one row per practice and crop it bears, so rice with crabs has two. `history` holds what
    is planted, before the plan or already within it (practice_id may be null): it stands. `demand` has one row per crop, year and season: kg wanted in
    all, of which kg committed; the season is the first season of the practice that bears the crop; no row: no demand.
    `fixed` holds areas that people have settled, per plot, practice, year and season; max_mu 0 forbids. `unripe` names
    practices whose crop does not ripen in the usual year: what stands of them counts, none is planned. `barred`: (plot_id, practice_id) → °C by which the plot is too cold for it.
    """

    plots: pl.DataFrame
    practices: pl.DataFrame
    yields: pl.DataFrame
    crops: pl.DataFrame
    history: pl.DataFrame
    demand: pl.DataFrame
    fixed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=FIXED_SCHEMA))
    unripe: frozenset[str] = frozenset()
    barred: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in NEEDS.items():
            if lacking := [c for c in columns if c not in getattr(self, name).columns]:
                raise ValueError(f"{name} lacks the columns {lacking}; it has {getattr(self, name).columns}")
        _refuse_twice(self.plots, "plots", ["plot_id"])
        _refuse_twice(self.practices, "practices", ["practice_id"])
        _refuse_twice(self.demand, "demand", ["crop_id", "year", "season"])
        over = self.demand.filter(pl.col("committed_kg") > pl.col("demand_kg") + 1e-6)
        if over.height:
            row = over.row(0, named=True)
            raise ValueError(
                f"demand of crop '{row['crop_id']}' in {row['year']} season {row['season']}: committed "
                f"{row['committed_kg']} kg exceed the whole demand {row['demand_kg']} kg; count them in"
            )

    @classmethod
    def from_frames(
        cls,
        *,
        plots: pl.DataFrame,
        practices: pl.DataFrame,
        practice_yield: pl.DataFrame,
        crops: pl.DataFrame,
        planting: pl.DataFrame,
        demand: pl.DataFrame,
        fixed: pl.DataFrame | None = None,
        unripe: Collection[str] = frozenset(),
        barred: Mapping[tuple[str, str], float] | None = None,
    ) -> Self:
        """Make a problem of warehouse frames, sorted so that equal facts give equal plans whatever their order."""
        return cls(
            plots=_typed(plots).sort("plot_id"),
            practices=_typed(practices).sort("practice_id"),
            yields=_typed(practice_yield).sort("practice_id", "crop_id"),
            crops=crops.sort("crop_id"),
            history=_typed(planting).sort("plot_id", "year", "season", "crop_id"),
            demand=_typed(demand).sort("crop_id", "year", "season"),
            fixed=_typed(fixed) if fixed is not None else pl.DataFrame(schema=FIXED_SCHEMA),
            unripe=frozenset(unripe),
            barred=dict(barred or {}),
        )

    def usable_practices(self) -> pl.DataFrame:
        """The practices that ripen and whose cost, every yield and every price are known; the rest is in `missing`."""
        known = self.yields.group_by("practice_id").agg(
            complete=(
                pl.col("yield_kg_per_mu").is_not_null() & pl.col("price_yuan_per_kg").is_not_null()
            ).all()
        )
        return (
            self.practices.join(known.filter("complete"), on="practice_id", how="semi", maintain_order="left")
            .filter(
                pl.col("cost_yuan_per_mu").is_not_null(), ~pl.col("practice_id").is_in(sorted(self.unripe))
            )
            .join(self.crops, on="crop_id", how="semi", maintain_order="left")
        )

    def missing(self) -> pl.DataFrame:
        """What is not known of crops that demand wants: one row per crop and gap (crop_id, what, detail).

        A crop that ripens nowhere is no gap: all that matters of it is known.
        """
        wanted = self.demand.filter(pl.col("demand_kg") > 0)["crop_id"].unique().sort()
        borne = self.yields.join(self.usable_practices(), on="practice_id", how="semi")
        grown = borne.join(self.practices.select("practice_id", "land_class"), on="practice_id").join(
            self.plots, on="land_class", how="semi"
        )
        warm = self.yields.filter(~pl.col("practice_id").is_in(sorted(self.unripe)))
        cold = self.yields.join(warm, on="crop_id", how="anti")
        rows: list[tuple[str, str, str]] = []
        for crop_id in wanted:
            if crop_id in grown["crop_id"] or crop_id in cold["crop_id"]:
                continue
            rows.append((crop_id, *self._gap_of(crop_id, borne, warm)))
        return pl.DataFrame(rows, schema=MISSING_SCHEMA, orient="row")

    def _gap_of(self, crop_id: str, borne: pl.DataFrame, warm: pl.DataFrame) -> tuple[str, str]:
        if crop_id not in self.crops["crop_id"]:
            return (
                "crop",
                f"crop '{crop_id}' has demand but no row in crop; add its family and whether it is a legume",
            )
        if crop_id in borne["crop_id"]:
            classes = (
                self.practices.filter(pl.col("crop_id") == crop_id)["land_class"].unique().sort().to_list()
            )
            return "land", f"crop '{crop_id}' grows on {classes}, of which there is no plot"
        rows = warm.filter(pl.col("crop_id") == crop_id)
        if not rows.height:
            has = crop_id in self.practices["crop_id"]
            what = "yield" if has else "practice"
            return (
                what,
                f"crop '{crop_id}' has demand but no {what}; add it to practice{'_yield' if has else ''}",
            )
        unpriced = rows["price_yuan_per_kg"].null_count() == rows.height
        what = "price" if unpriced else ("yield" if rows["yield_kg_per_mu"].null_count() else "cost")
        return what, f"crop '{crop_id}' has demand but its {what} is not known; it is left out of the plan"


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole years and seasons, areas, kilograms and money as floats, whatever width they came in."""
    whole = [c for c in frame.columns if c in ("year", "season", "last_season")]
    measured = [c for c in frame.columns if c.endswith(("_mu", "_kg"))]
    return frame.with_columns(pl.col(whole).cast(pl.Int64), pl.col(measured).cast(pl.Float64))


def _refuse_twice(frame: pl.DataFrame, name: str, key: list[str]) -> None:
    twice = frame.filter(frame.select(key).is_duplicated())
    if twice.height:
        raise ValueError(f"{name} has {key} = {twice.select(key).row(0)} twice; keep one row of it")


@dataclass(frozen=True)
class Plan:
    """A plan as a value.

    `assignments`: plot_id, practice_id, crop_id, year, season, last_season, area_mu (rounded, > 0), expected_kg (of the
    main crop), expected_profit_yuan (its share of what sells and of salvage, less its cost; adds up). `balance`: as
    planting_balance without run and cutoff. `profit_yuan` counts revenue and salvage less cost. `bound_yuan`: no plan that
    serves the commitments at least as well earns more. `limits`: shadow prices at the chosen crops, one row per limit
    (kind, plot_id, crop_id, year, season, price_yuan per mu or kg). `lp_bound_yuan`: the bound of the first relaxation.
    """

    status: Literal["optimal", "feasible"]
    profit_yuan: float
    bound_yuan: float
    lp_bound_yuan: float
    assignments: pl.DataFrame
    balance: pl.DataFrame
    limits: pl.DataFrame
    nodes: int
    seconds: float

    @property
    def gap(self) -> float:
        """(bound − profit) / |bound|, never negative."""
        return max(0.0, self.bound_yuan - self.profit_yuan) / max(abs(self.bound_yuan), 1.0)


class Infeasible(Exception):  # noqa: N818
    """No plan keeps all rules: the smallest set of limits that conflict, by name."""

    def __init__(self, plot_id: str, limits: list[str]) -> None:
        super().__init__(
            f"no plan keeps all rules on plot '{plot_id}'; these limits conflict: "
            + "; ".join(limits)
            + "; relax one"
        )
        self.plot_id = plot_id
        self.limits = tuple(limits)
