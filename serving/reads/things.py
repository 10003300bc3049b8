"""Products, plots, places and the like, as published."""

import polars as pl

from serving.problems import unknown
from serving.published import Release


def products(release: Release, family: str | None = None) -> pl.DataFrame:
    """One row per product by id; `crops` lists what it is made of.

    Raises:
        Problem: 404 for a family no product has.
    """
    made_of = (
        release.frame("product_crop")
        .sort("product_id", "crop_id")
        .group_by("product_id", maintain_order=True)
        .agg(crops=pl.struct("crop_id", "crop_kg_per_product_kg"))
    )
    rows = release.frame("product").join(made_of, on="product_id", how="left").sort("product_id")
    return _only(rows, "family", family)


def plots(release: Release) -> pl.DataFrame:
    """One row per plot by id, with the place it lies in (`village_id`, `village_name`; null: none given)."""
    return release.made(_plots)


def plots_of(release: Release, village: str | None, land_class: str | None) -> pl.DataFrame:
    """The plots of a village or land class.

    Raises:
        Problem: 404 for a village or land class no plot has.
    """
    return _only(_only(plots(release), "village_id", village), "land_class", land_class)


def placed(release: Release, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with a `plot_id`, in their order, with the place the plot lies in: `village_id`, `village_name`."""
    places = plots(release).select("plot_id", "village_id", "village_name")
    return rows.join(places, on="plot_id", how="left", maintain_order="left")


def matching(rows: pl.DataFrame, **wanted: object) -> pl.DataFrame:
    """Rows whose columns have the values wanted; None asks nothing of a column."""
    given = [pl.col(name) == value for name, value in wanted.items() if value is not None]
    return rows.filter(*given) if given else rows


def listed(release: Release, table: str) -> pl.DataFrame:
    """A table as it is, in the order of its first column."""
    frame = release.frame(table)
    return frame.sort(frame.columns[0])


def names(release: Release, table: str) -> dict[str, dict[str, str]]:
    """Id → name per language of a table of things; an absent name is the id."""
    frame = release.frame(table)
    key = frame.columns[0]
    zh, en = ("name_zh", "name_en") if "name_zh" in frame.columns else ("name", "name")
    return {
        row[key]: {"zh": row[zh] or row[key], "en": row[en] or row[key]}
        for row in frame.select(pl.col(list(dict.fromkeys([key, zh, en])))).iter_rows(named=True)
    }


def _plots(release: Release) -> pl.DataFrame:
    places = release.frame("place").select("place_id", village_name=pl.col("name"))
    return (
        release.frame("plot")
        .join(places, on="place_id", how="left")
        .rename({"place_id": "village_id"})
        .sort("plot_id")
    )


def _only(rows: pl.DataFrame, column: str, value: str | None) -> pl.DataFrame:
    if value is None:
        return rows
    found = rows.filter(pl.col(column) == value)
    if found.is_empty():
        raise unknown(column, value, rows[column].drop_nulls().unique().sort().to_list())
    return found
