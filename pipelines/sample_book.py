"""Farm tables as the workbooks a township keeps: one sheet, Chinese headers, dates as dates."""

import io
from datetime import date, datetime

import polars as pl
import xlsxwriter

HEADERS = {
    "plot": {
        "plot_id": "地块编号", "place_id": "村编号", "land_class": "地块类型", "area_mu": "面积(亩)", "lat_deg": "纬度",
        "lon_deg": "经度", "soil": "土壤",
    },
    "planting": {
        "plot_id": "地块编号", "crop_id": "作物编号", "year": "年份", "season": "季次", "area_mu": "种植面积(亩)",
        "practice_id": "种植方式编号", "sown_on": "播种日期",
    },
}  # fmt: skip
"""Table → column → its header in the workbook."""
MADE_ON = datetime(2026, 1, 1)  # noqa: DTZ001  # stamped into the file, so that the same rows give the same bytes


def workbook(table: str, frame: pl.DataFrame) -> bytes:
    """The rows of one table as an xlsx file; the same rows give the same bytes."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": MADE_ON})
        sheet, day = book.add_worksheet("Sheet1"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, list(HEADERS[table].values()))
        for n, row in enumerate(frame.select(list(HEADERS[table])).iter_rows(), start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(n, column, cell, day)
                else:
                    sheet.write(n, column, cell)
    return out.getvalue()
