"""What areas earn once demand and yields are known: sell what earns most first, let the rest go at salvage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from models.planning.chances import Chances, yield_factor
from models.planning.county_problem import conditional_value
from models.planning.problem import Params, Problem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Classes:
    """What crops come at: one class per crop, year, season, price, salvage and spread of yield.

    `frame`: class, row (of the chances), price, rest, cv; within a row the dearest above salvage first. `outputs`:
    practice_id, year, season, class, yield_kg_per_mu.
    """

    frame: pl.DataFrame
    outputs: pl.DataFrame

    @property
    def row(self) -> Ints:
        """[class]: the demand that it serves."""
        return self.frame["row"].to_numpy().astype(np.int64)


def classes_of(problem: Problem, params: Params, rows: pl.DataFrame) -> tuple[Classes, pl.DataFrame]:
    """Every class that a practice of the problem may bring, and `rows` with those added that nobody asks for."""
    rest = (
        pl.min_horizontal("salvage_yuan_per_kg", "price_yuan_per_kg")
        if params.surplus == "salvage"
        else pl.lit(0.0)
    )
    years = pl.DataFrame(
        {"year": list(range(params.first_year, params.last_year + 1))}, schema={"year": pl.Int64}
    )
    cv = pl.col("yield_cv").fill_null(0.0) if "yield_cv" in problem.yields.columns else pl.lit(0.0)
    borne = (
        problem.yields.drop_nulls(["yield_kg_per_mu", "price_yuan_per_kg"])
        .join(problem.practices.select("practice_id", "season"), on="practice_id")
        .join(years, how="cross")
        .select(
            "practice_id", "crop_id", "year", "season", "yield_kg_per_mu",
            price="price_yuan_per_kg", rest=rest, cv=cv,
        )
    )  # fmt: skip
    key = ["crop_id", "year", "season"]
    unasked = borne.select(key).unique().join(rows, on=key, how="anti").sort(key)
    every = pl.concat([rows, unasked.with_columns(committed_kg=pl.lit(0.0))])
    kind = [*key, "price", "rest", "cv"]
    frame = (
        borne.select(kind)
        .unique()
        .join(every.with_row_index("row").select(*key, "row"), on=key)
        .sort("row", pl.col("rest") - pl.col("price"), "cv", "rest")
        .with_row_index("class")
    )
    outputs = borne.join(frame.select("class", *kind), on=kind).select(
        "practice_id", "year", "season", "class", "yield_kg_per_mu"
    )
    return Classes(frame.select("class", "row", "price", "rest", "cv"), outputs), every


def with_rows(chances: Chances, rows: pl.DataFrame) -> Chances:
    """The chances with further rows at the end that nobody asks for, at usual yields."""
    more = rows.height - chances.rows.height
    none = np.zeros((more, chances.count))
    return Chances(
        rows, np.vstack([chances.demand_kg, none]), np.vstack([chances.luck, none]), chances.weights
    )


@dataclass(frozen=True)
class Earned:
    """What areas bring, scenario by scenario: `profit` [scenario] (yuan); `supply_kg`, `sold_kg` [row, scenario]."""

    profit: Floats
    supply_kg: Floats
    sold_kg: Floats
    chances: Chances

    @property
    def expected_yuan(self) -> float:
        """Mean profit."""
        return float(self.profit @ self.chances.weights)

    def cvar_yuan(self, level: float) -> float:
        """Mean profit of the worst `1 − level` of the scenarios."""
        return conditional_value(self.profit, self.chances.weights, level)

    def mean_kg(self, kg: Floats) -> float:
        """Expected sum over rows."""
        return float((kg @ self.chances.weights).sum())

    @property
    def service_share(self) -> float:
        """Kg sold of kg asked for, over all scenarios; 1 where nothing is asked for."""
        asked = self.mean_kg(self.chances.demand_kg)
        return self.mean_kg(self.sold_kg) / asked if asked > 0 else 1.0

    @property
    def waste_kg(self) -> float:
        """Expected kg that find no buyer at the full price."""
        return self.mean_kg(self.supply_kg - self.sold_kg)

    @property
    def short_kg(self) -> float:
        """Expected kg of commitments not served."""
        committed = self.chances.rows["committed_kg"].to_numpy()[:, None]
        return self.mean_kg(np.maximum(committed - self.sold_kg, 0.0))


def class_kg(lines: pl.DataFrame, classes: Classes) -> Floats:
    """Kilograms of each class that areas bear at usual yields: [class]. `lines`: practice_id, year, season, area_mu."""
    kg = np.zeros(classes.frame.height)
    grown = lines.select("practice_id", pl.col("year", "season").cast(pl.Int64), "area_mu").join(
        classes.outputs, on=["practice_id", "year", "season"]
    )
    np.add.at(
        kg,
        grown["class"].to_numpy().astype(np.int64),
        (grown["area_mu"] * grown["yield_kg_per_mu"]).to_numpy(),
    )
    return kg


def cost_of(lines: pl.DataFrame, problem: Problem) -> float:
    """What the areas cost (yuan)."""
    priced = lines.join(problem.practices.select("practice_id", "cost_yuan_per_mu"), on="practice_id")
    return float((priced["area_mu"] * priced["cost_yuan_per_mu"]).sum())


def factors(classes: Classes, chances: Chances) -> Floats:
    """Factor on the usual yield: [class, scenario]."""
    return yield_factor(chances.luck[classes.row], classes.frame["cv"].to_numpy()[:, None])


def sold_kg(kg: Floats, classes: Classes, chances: Chances) -> tuple[Floats, Floats]:
    """What of [class] kilograms of usual yield is sold, and what grows: both [class, scenario].

    Within a crop, year and season the kilograms that earn most above their salvage sell first, until demand is met.
    """
    grown = kg[:, None] * factors(classes, chances)
    left, sold = chances.demand_kg.copy(), np.zeros_like(grown)
    for at, row in enumerate(classes.row):
        sold[at] = np.minimum(grown[at], left[row])
        left[row] -= sold[at]
    return sold, grown


def earned(kg: Floats, cost: float, classes: Classes, chances: Chances) -> Earned:
    """Sell [class] kilograms of usual yield in every scenario, the rest at salvage."""
    sold, grown = sold_kg(kg, classes, chances)
    price, rest = (classes.frame[c].to_numpy() for c in ("price", "rest"))
    supply, served = np.zeros_like(chances.demand_kg), np.zeros_like(chances.demand_kg)
    np.add.at(supply, classes.row, grown)
    np.add.at(served, classes.row, sold)
    return Earned(price @ sold + rest @ (grown - sold) - cost, supply, served, chances)
