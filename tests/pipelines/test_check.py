from datetime import date, timedelta

import polars as pl

from pipelines.check import odd_last_day, refused_files, silent_channels

LAST = date(2026, 6, 28)


def sales(channel: str, kg: dict[int, float]) -> pl.DataFrame:
    """Kilograms sold by one channel, by days before the cutoff."""
    return pl.DataFrame(
        {
            "channel_id": [channel] * len(kg),
            "sale_date": [LAST - timedelta(days=d) for d in kg],
            "sold_kg": list(kg.values()),
        }
    )


def test_a_channel_without_a_sale_for_three_days_is_named_with_the_day() -> None:
    frame = pl.concat([sales("quiet", {3: 5.0, 9: 5.0}), sales("busy", {0: 5.0})])
    found = silent_channels(frame, LAST)
    assert found["subject"].to_list() == ["quiet"]
    assert found["value"].to_list() == [3.0]
    assert "2026-06-25" in found["text_en"][0]
    assert "2026-06-25" in found["text_zh"][0]


def test_a_last_day_far_below_its_weekday_is_odd_and_a_usual_one_is_not() -> None:
    usual = {7: 40.0, 14: 42.0, 21: 38.0, 28: 40.0}
    frame = pl.concat([sales("cut-off", {0: 5.0, **usual}), sales("usual", {0: 30.0, **usual})])
    assert odd_last_day(frame, LAST)["subject"].to_list() == ["cut-off"]


def test_a_channel_with_less_than_four_earlier_weeks_is_not_judged() -> None:
    assert odd_last_day(sales("new", {0: 1.0, 7: 40.0, 14: 40.0}), LAST).is_empty()


def files(*rows: tuple[str, int, int, int]) -> pl.DataFrame:
    """Files by name, lines read, lines refused and day of May they came."""
    frame = pl.DataFrame(rows, schema=["name", "rows_read", "rows_rejected", "day"], orient="row")
    return frame.with_columns(arrived_at=pl.date(2026, 5, "day"))


def test_a_file_with_many_refused_lines_is_named_and_a_clean_or_empty_one_is_not() -> None:
    found = refused_files(files(("bad.csv", 100, 30, 1), ("good.csv", 100, 1, 1), ("empty.csv", 0, 0, 1)))
    assert found["subject"].to_list() == ["bad.csv"]
    assert "30.0 %" in found["text_en"][0]


def test_a_corrected_file_is_no_longer_blamed() -> None:
    assert refused_files(files(("plots.csv", 3, 0, 2), ("plots.csv", 3, 1, 1))).is_empty()
