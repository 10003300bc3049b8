"""What a graded fact must hold beside its table's own rules: judged when it is taken in, refused with its reason, never guessed."""

import polars as pl

from models.grading.standards import LEAST_OF
from pipelines.sources.kinds import REJECTED_SCHEMA
from warehouse import Warehouse

GRADED = ("harvest_event", "lot")
"""Tables whose grade must be one of the co-operative's standard, where it has loaded one for the crop."""
LINE = "line_number"


def judge_graded(warehouse: Warehouse, table: str, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part rows of a delivery into those that hold and refused ones (REJECTED_SCHEMA).

    Judged are inspections (lot known, sample no heavier than its lot, value possible) and the grades of GRADED; rows of other
    tables pass.
    """
    if rows.is_empty() or table not in (*GRADED, "inspection"):
        return rows, pl.DataFrame(schema=REJECTED_SCHEMA)
    judged = _inspections(warehouse, rows) if table == "inspection" else _grades(warehouse, rows)
    refused = judged.filter(pl.col("_rule").is_not_null())
    if refused.is_empty():
        return rows, pl.DataFrame(schema=REJECTED_SCHEMA)
    kept = [c for c in rows.columns if c not in (LINE, "file_id", "known_at")]
    told = refused.select(
        LINE, rule="_rule", detail="_detail", row_text=pl.struct(kept).struct.json_encode()
    ).cast(REJECTED_SCHEMA)
    return judged.filter(pl.col("_rule").is_null()).select(rows.columns), told


def _inspections(warehouse: Warehouse, rows: pl.DataFrame) -> pl.DataFrame:
    lots = warehouse.read("lot").select("lot_id", _lot_kg="lot_kg")
    value = pl.col("value").cast(pl.Float64, strict=False)
    sample = _column(rows, "sample_kg")
    is_size = pl.any_horizontal(pl.col("attribute").str.starts_with(a) for a in LEAST_OF)
    is_share = pl.col("attribute").str.ends_with("_pct")
    return (
        rows.join(lots, on="lot_id", how="left", maintain_order="left")
        .with_columns(
            _rule=pl.when(is_size & (value < 0)).then(pl.lit("value_possible"))
            .when(is_share & ~value.is_between(0, 100)).then(pl.lit("value_possible"))
            .when(pl.col("_lot_kg").is_null()).then(pl.lit("lot_known"))
            .when(sample > pl.col("_lot_kg")).then(pl.lit("sample_within_lot"))
        )
        .with_columns(
            _detail=pl.when(pl.col("_rule") == "value_possible")
            .then(pl.format("{} {} cannot be measured; correct the value or leave the line out", "attribute", value))
            .when(pl.col("_rule") == "lot_known")
            .then(pl.format("lot '{}' is not known; load the lot first", "lot_id"))
            .when(pl.col("_rule") == "sample_within_lot")
            .then(pl.format(
                "the sample weighs {} kg, its lot '{}' {} kg: a sample is part of its lot; correct one of the two",
                sample, "lot_id", "_lot_kg"))
        )
    )  # fmt: skip


def _column(rows: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64, strict=False) if name in rows.columns else pl.lit(None, pl.Float64)


def _grades(warehouse: Warehouse, rows: pl.DataFrame) -> pl.DataFrame:
    if "grade" not in rows.columns:
        return rows.with_columns(_rule=pl.lit(None, pl.String), _detail=pl.lit(None, pl.String))
    known = warehouse.read("grade_standard").select("crop_id", "grade").unique()
    listed = known.sort("crop_id", "grade").group_by("crop_id").agg(_grades=pl.col("grade").str.join(", "))
    marked = (
        rows.join(listed, on="crop_id", how="left", maintain_order="left")
        .join(
            known.with_columns(_is_known=pl.lit(True)),
            on=["crop_id", "grade"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            _is_odd=pl.col("grade").is_not_null()
            & pl.col("_grades").is_not_null()
            & pl.col("_is_known").is_null()
        )
    )
    return marked.with_columns(
        _rule=pl.when("_is_odd").then(pl.lit("grade_in_standard")),
        _detail=pl.when("_is_odd").then(
            pl.format(
                "grade '{}' of {} is not in the standard, which has {}; correct it, or load the standard that has it",
                "grade", "crop_id", "_grades",
            )
        ),
    )  # fmt: skip
