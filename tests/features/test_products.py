"""Families and ages."""

from datetime import date

import polars as pl

from features.products import launch_age, product_families

SCHEMA = {"product_id": pl.String, "family": pl.String, "launched_on": pl.Date}


def test_a_sold_product_without_a_record_is_unsorted() -> None:
    known = pl.DataFrame([("a", "leaf", None)], schema=SCHEMA, orient="row")
    families = product_families(known, pl.Series(["a", "b", "b"]))
    assert families["family"].to_list() == ["leaf", "unsorted"]


def test_no_product_table_is_needed() -> None:
    assert product_families(pl.DataFrame(schema=SCHEMA), pl.Series(["b"])).height == 1


def test_age_counts_from_the_launch_else_from_a_first_sale_well_after_the_records_begin() -> None:
    rows = pl.DataFrame(
        {
            "launched_on": [date(2026, 1, 1), None, None],
            "first_sale": [date(2026, 1, 5), date(2026, 3, 1), date(2025, 1, 2)],
        },
        schema={"launched_on": pl.Date, "first_sale": pl.Date},
    )
    age = rows.select(launch_age(pl.lit(date(2025, 1, 1)), pl.lit(date(2026, 3, 11)))).to_series()
    assert age.to_list() == [69, 10, None]
