"""What a release holds of people's what-ifs on the plan: the questions, and their answers for as long as they are of use."""

from datetime import date, timedelta

import polars as pl

from settings import Settings
from warehouse import Warehouse

SHOWN_DAYS = 30
"""An answer is read for so many days after the night that gave it: by then the plan that it stands beside is another."""


def whatif_tables(settings: Settings, warehouse: Warehouse, *, cutoff: date) -> dict[str, pl.DataFrame]:
    """planting_whatif, planting_whatif_answer, planting_whatif_crop as known by a cutoff, in a fixed row order.

    Questions without an answer are all there: they wait. Of a question that several nights answered, the last answer counts.
    """
    first = cutoff - timedelta(days=SHOWN_DAYS)
    answers, crops = (
        warehouse.sql(
            f"select * from {table} where cutoff <= $cutoff qualify cutoff = max(cutoff) over (partition by whatif_id) "
            "order by all",
            cutoff=cutoff,
        )
        for table in ("planting_whatif_answer", "planting_whatif_crop")
    )
    past = answers.filter(pl.col("cutoff") <= first).select("whatif_id").unique()
    asked = warehouse.read("planting_whatif", known_by=settings.known_by(cutoff)).sort(
        "written_at", "whatif_id"
    )
    found = {
        "planting_whatif": asked,
        "planting_whatif_answer": answers,
        "planting_whatif_crop": crops,
    }
    return {
        name: f.join(past, on="whatif_id", how="anti", maintain_order="left") for name, f in found.items()
    }
