"""The benchmark's own answer form, filled in with a plan and read back."""

from pathlib import Path

import polars as pl

from models.planning.problem import Plan
from pipelines.real_land import land_tables
from pipelines.real_profile import real_profile
from serving.exports.answer_form import answer_form


def write_form(plan: Plan, data: Path, out: Path) -> None:
    """Write a plan on the form: plots and crops in the order of the benchmark's tables, the second season's plots below.

    Args:
        plan: On the land of `data`.
        data: Folder laid out as cumcm2024c.
        out: The xlsx.
    """
    tables = land_tables(data, real_profile())
    plots, practices = tables["plot"], tables["practice"]
    seasons = {
        season: plots.filter(
            pl.col("land_class").is_in(
                practices.filter(pl.col("season") == season)["land_class"].unique().implode()
            )
        )["plot_id"].to_list()
        for season in (1, 2)
    }
    crops = list(tables["crop"].select("crop_id", "name_zh").iter_rows())
    lines = plan.assignments.select("year", "season", "plot_id", "crop_id", "area_mu")
    out.write_bytes(answer_form(lines, seasons, crops))
