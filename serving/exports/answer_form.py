"""A plan on the answer form of the CUMCM 2024 C benchmark: a sheet per year, plots of both seasons down, crops across."""

import io
from collections.abc import Mapping, Sequence

import polars as pl
import xlsxwriter

SEASONS = {1: "第一季", 2: "第二季"}


def answer_form(
    plan: pl.DataFrame, plots: Mapping[int, Sequence[str]], crops: Sequence[tuple[str, str]]
) -> bytes:
    """The form with every cell of the plan filled in, in mu; what is not planted stays empty.

    Args:
        plan: `year`, `season`, `plot_id`, `crop_id`, `area_mu`; a season beyond the second is refused.
        plots: Season → its plots, in the order of the rows.
        crops: (id, name), in the order of the columns.

    Raises:
        ValueError: A line of the plan has no cell on the form; names the first.
    """
    rows = {(s, p): 1 + i for i, (s, p) in enumerate((s, p) for s in sorted(plots) for p in plots[s])}
    columns = {crop: 2 + i for i, (crop, _) in enumerate(crops)}
    added = plan.group_by("year", "season", "plot_id", "crop_id").agg(pl.col("area_mu").sum()).sort(pl.all())
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for (year,), lines in added.group_by("year", maintain_order=True):
            page = book.add_worksheet(str(year))
            _frame(page, rows, crops)
            for line in lines.iter_rows(named=True):
                place = (line["season"], line["plot_id"])
                if place not in rows or line["crop_id"] not in columns:
                    raise ValueError(
                        f"year {year}: {place} with crop '{line['crop_id']}' has no cell on the form"
                    )
                page.write_number(rows[place], columns[line["crop_id"]], round(line["area_mu"], 6))
    return buffer.getvalue()


def _frame(
    page: xlsxwriter.worksheet.Worksheet,
    rows: Mapping[tuple[int, str], int],
    crops: Sequence[tuple[str, str]],
) -> None:
    page.write_string(0, 1, "地块名")
    for at, (_, name) in enumerate(crops, start=2):
        page.write_string(0, at, name)
    firsts = dict[int, int]()
    for (season, plot), at in rows.items():
        page.write_string(at, 1, plot)
        if firsts.setdefault(season, at) == at:
            page.write_string(at, 0, SEASONS[season])
    page.freeze_panes(1, 2)
