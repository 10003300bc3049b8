"""What people reported from the fields or promised by hand, made the facts that plans and harvests read."""

import polars as pl

from pipelines.grading_intake import judge_graded
from warehouse import Warehouse

MARK = "report:"


def hand_over(warehouse: Warehouse, *, zone: str) -> int:
    """Make cuts, plantings and commitments of reports and entries taken in; returns how many facts were new.

    Every report and entry is handed over each time: its fact has a fixed key and `known_at`, so twice changes nothing. A fact that
    breaks a rule of its table (an unknown plot or crop) is refused there, and the table's rules say why in `rejected_row`; so is a
    cut of a grade that the crop's standard does not have, when it is new.
    """
    done = warehouse.read("harvest_report").filter(pl.col("answer") == "done").sort("written_at", "report_id")
    entries = warehouse.read("commitment_entry").sort("written_at", "entry_id")
    facts = {"harvest_event": cuts(done, zone), "planting": sowings(done), "commitment": promised(entries)}
    new = 0
    for table, rows in facts.items():
        if rows.height:
            numbered = rows.with_columns(line_number=pl.int_range(1, rows.height + 1))
            good, odd = _judged(warehouse, table, numbered)
            taken = warehouse.take_in(table, good, "inbox")
            new += taken.taken
            refused = pl.concat([odd, taken.rejected_frame], how="vertical_relaxed")
            if refused.height:
                warehouse.upsert("rejected_row", _refused(table, refused, rows))
    return new


def _judged(warehouse: Warehouse, table: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows to take in and refused ones: cuts not taken in yet are judged by their grade."""
    if table != "harvest_event":
        return judge_graded(warehouse, table, rows)
    held = warehouse.read(table).select("harvest_id")
    good, odd = judge_graded(warehouse, table, rows.join(held, on="harvest_id", how="anti"))
    return pl.concat([rows.join(held, on="harvest_id", how="semi"), good]).sort("line_number"), odd


def cuts(done: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Rows of harvest_event: one per harvest done with its kg, at noon of its local day."""
    return done.filter((pl.col("task") == "harvest") & pl.col("harvested_kg").is_not_null()).select(
        harvest_id=MARK + pl.col("report_id"),
        plot_id="plot_id",
        crop_id="crop_id",
        harvested_at=pl.col("done_on")
        .cast(pl.Datetime("us"))
        .dt.offset_by("12h")
        .dt.replace_time_zone(zone)
        .dt.convert_time_zone("UTC"),
        harvested_kg="harvested_kg",
        grade="grade",
        known_at="known_at",
    )


def sowings(done: pl.DataFrame) -> pl.DataFrame:
    """Rows of planting: one per sowing done that names its year, season and area; of a line reported twice the last counts."""
    needed = ["year", "season", "area_mu"]
    return done.filter(pl.col("task") == "sow").drop_nulls(needed).select(
        "plot_id", "crop_id", *needed, "practice_id", "known_at", sown_on="done_on"
    )  # fmt: skip


def promised(entries: pl.DataFrame) -> pl.DataFrame:
    """Rows of commitment, one version per entry."""
    return entries.drop("entry_id", "author", "written_at")


def _refused(table: str, refused: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    known = rows["known_at"].to_list()
    return refused.select(
        pl.lit(f"inbox:{table}").alias("file_id"),
        "line_number",
        "rule",
        "detail",
        "row_text",
        table_name=pl.lit(table),
        rejected_at=pl.Series([known[n - 1] for n in refused["line_number"]], dtype=pl.Datetime("us", "UTC")),
    )
