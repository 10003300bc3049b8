"""What the last plan binds: near sowings stand, and plots leave it only for a gain that is worth the move."""

from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from models.planning.mixing import LINE
from models.planning.problem import FIXED_SCHEMA, Params, Problem


def frozen_areas(
    last: pl.DataFrame,
    problem: Problem,
    params: Params,
    *,
    cutoff: date,
    weeks: int,
    until: tuple[int, int],
    leave: Collection[str],
) -> pl.DataFrame:
    """Areas that stand because they are sown soon, as Problem.fixed wants them.

    Args:
        last: Lines of the last plan (LINE, area_mu).
        problem, params: What is planned now.
        cutoff: Today.
        weeks: How far "soon" reaches; 0: nothing stands.
        until: Last year and season that the last plan covers; nothing later stands.
        leave: Plots to leave out, such as those that people decided on or whose land changed.

    Returns:
        FIXED_SCHEMA: per plot of the last plan and annual practice whose sowing days of a planned season begin by then and
        are not over: the area of the last plan, 0 where it had none.
    """
    if not weeks or last.is_empty():
        return pl.DataFrame(schema=FIXED_SCHEMA)
    soon = _sown_soon(problem, params, cutoff, cutoff + timedelta(weeks=weeks), until)
    plots = problem.plots.join(last, on="plot_id", how="semi").filter(~pl.col("plot_id").is_in(sorted(leave)))
    return (
        plots.select("plot_id", "land_class")
        .join(soon, on="land_class")
        .join(last.select(*LINE, "area_mu"), on=LINE, how="left", maintain_order="left")
        .with_columns(min_mu=pl.col("area_mu").fill_null(0.0), max_mu=pl.col("area_mu").fill_null(0.0))
        .select(FIXED_SCHEMA.names())
        .cast(FIXED_SCHEMA)
        .sort(LINE)
    )


def _sown_soon(
    problem: Problem, params: Params, today: date, soon: date, until: tuple[int, int]
) -> pl.DataFrame:
    """practice_id, land_class, year, season of annual practices whose sowing window touches the days from today to soon."""
    rows = []
    for r in problem.usable_practices().filter(~pl.col("is_perennial")).iter_rows(named=True):
        if r.get("sow_from_doy") is None or r.get("sow_to_doy") is None:
            continue
        for year in range(params.first_year, params.last_year + 1):
            here = (year, r["season"])
            begins = date(year, 1, 1) + timedelta(days=r["sow_from_doy"] - 1)
            ends = date(year, 1, 1) + timedelta(days=r["sow_to_doy"] - 1)
            if (params.first_year, params.first_season) <= here <= until and begins <= soon and ends > today:
                rows.append((r["practice_id"], r["land_class"], year, r["season"]))
    schema = {"practice_id": pl.String, "land_class": pl.String, "year": pl.Int64, "season": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def still_valid(
    last: pl.DataFrame, new: pl.DataFrame, fixed: pl.DataFrame, params: Params, until: tuple[int, int]
) -> pl.DataFrame:
    """The last plan's lines as far as they may stand in the new plan: its seasons only, filled up with the new plan's.

    Args:
        last, new: Lines (LINE, area_mu).
        fixed: Settled areas; plots whose old lines differ from them are left out.
        params: The horizon now.
        until: Last year and season that the last plan covers; later lines are the new plan's.
    """
    place = pl.col("year") * 10 + pl.col("season")
    first, end = params.first_year * 10 + params.first_season, until[0] * 10 + until[1]
    inside = last.filter(place.is_between(first, min(end, params.last_year * 10 + 9)))
    known = new.join(last, on="plot_id", how="semi").filter(place > end)
    lines = pl.concat([f.select(*LINE, "area_mu") for f in (inside, known)])
    mine = fixed.join(lines, on=LINE, how="left").with_columns(pl.col("area_mu").fill_null(0.0))
    off = mine.filter(
        (pl.col("area_mu") < pl.col("min_mu") - 1e-6) | (pl.col("area_mu") > pl.col("max_mu") + 1e-6)
    )
    return lines.join(off, on="plot_id", how="anti")
