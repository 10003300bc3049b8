"""Folders of months and of weeks, told apart by their columns."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.season_data import read_season


def months(folder: Path) -> Path:
    rows = [
        {"commodity": name, "category": "leaf", "year_bs": year, "month": month, "volume_kg": 10.0 * month}
        for name in ("cress", "kale", "new")
        for year in range(2060, 2076)
        for month in range(1, 13)
        if year != 2066 and not (name == "kale" and month == 3) and not (name == "new" and year < 2070)
    ]
    pl.DataFrame(rows).write_csv(folder / "volumes.csv")
    return folder


def test_a_year_nobody_has_is_missing_and_a_month_others_have_is_zero(tmp_path: Path) -> None:
    case = read_season(months(tmp_path))
    assert case.names == ("cress", "kale")
    by_year = case.sold.reshape(2, 16, 12)
    assert np.isnan(by_year[:, 6]).all()
    assert np.isfinite(np.delete(by_year, 6, axis=1)).all()
    assert (np.delete(by_year[1, :, 2], 6) == 0).all()
    assert case.origins == (162, 168, 174, 180)
    assert case.horizon == 12


def test_only_whole_store_departments_are_forecast_39_weeks_ahead(tmp_path: Path) -> None:
    weeks = [date(2020, 1, 3) + timedelta(weeks=k) for k in range(100)]
    rows = [
        {"Store": store, "Dept": 1, "Date": day, "Weekly_Sales": 5.0, "IsHoliday": str(k == 7).upper()}
        for store in (1, 2)
        for k, day in enumerate(weeks)
        if not (store == 2 and k == 50)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "train.csv")
    case = read_season(tmp_path)
    assert case.names == ("1-1",)
    assert case.origins == (61,)
    assert np.flatnonzero(case.flagged).tolist() == [7]


def test_a_sample_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    case = read_season(months(tmp_path))
    assert case.sample(1, 3).names == case.sample(1, 3).names
    assert case.sample(0, 3) is case


def test_another_folder_is_refused_with_what_was_sought(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ValueError, match="commodity, year_bs, month, volume_kg or Store, Dept"):
        read_season(tmp_path)
