from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from benchmarks import options
from benchmarks.bestseller import run
from benchmarks.bestseller_cost import made_up_orders
from benchmarks.bestseller_data import case_of, read_orders
from models.forecasting.bestseller_label import LabelSpec

LABEL = LabelSpec()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("orders")
    lines = made_up_orders(12_000, seed=1).filter(
        pl.col("StockCode").str.slice(0, 3).is_in(["100", "101", "POST"[:3]])
    )
    lines.write_parquet(made / "lines.parquet")
    return made


def test_other_spellings_of_the_same_columns_read_alike(folder: Path, tmp_path: Path) -> None:
    lines = pl.read_parquet(folder / "lines.parquet")
    spelt = lines.rename(
        {"Invoice": "InvoiceNo", "Price": "UnitPrice", "Customer ID": "CustomerID"}
    ).with_columns(
        pl.col("InvoiceDate").dt.strftime("%Y-%m-%d %H:%M:%S"), pl.col("CustomerID").cast(pl.Int64)
    )
    spelt.write_parquet(tmp_path / "lines.parquet")
    assert read_orders(tmp_path).entries.equals(read_orders(folder).entries)


def test_a_missing_column_is_named_with_its_spellings(folder: Path, tmp_path: Path) -> None:
    pl.read_parquet(folder / "lines.parquet").drop("Price").write_parquet(tmp_path / "lines.parquet")
    with pytest.raises(ValueError, match="no column Price or UnitPrice"):
        read_orders(tmp_path)


def test_the_last_two_fifths_are_called_and_nothing_immature_teaches(folder: Path) -> None:
    case = case_of(read_orders(folder), None, label=LABEL, seed=1)
    assert case.test.height == round(0.4 * case.every.height)
    assert case.before == case.test["start_on"].min() + timedelta(days=28)
    assert (case.train["start_on"] + timedelta(days=84) <= case.before).all()
    assert case.train.filter("is_launch").join(case.test, on="product_id").is_empty()


def test_another_folder_is_called_on_products_never_sold_before_and_only_later(
    folder: Path, tmp_path: Path
) -> None:
    lines = pl.read_parquet(folder / "lines.parquet")
    border = lines["InvoiceDate"].min() + timedelta(days=400)
    for name, part in (
        ("a", pl.col("InvoiceDate") < border),
        ("b", pl.col("InvoiceDate") >= border - timedelta(days=20)),
    ):
        (tmp_path / name).mkdir()
        lines.filter(part).write_parquet(tmp_path / name / "lines.parquet")
    first, second = read_orders(tmp_path / "a"), read_orders(tmp_path / "b")
    case = case_of(first, second, label=LABEL, seed=1)
    assert not set(case.test["product_id"]) & set(first.entries["product_id"])
    last = first.entries["day"].max()
    assert case.test["start_on"].min() > last
    assert (case.train["start_on"] + timedelta(days=84) <= last + timedelta(days=1)).all()


def test_a_run_prints_never_and_the_base_rate_beside_every_ranking(folder: Path) -> None:
    result = run(train=folder, day=28, top=0.2)
    rows = result["rows"]
    assert isinstance(rows, list)
    methods = {r["method"] for r in rows if r["metric"] == "average precision"}
    assert {
        "anxu",
        "revenue so far",
        "orders so far",
        "buyers so far",
        "last week",
        "growth",
        "never",
    } <= methods
    assert {"base rate", "Brier", "calibration error"} <= {r["metric"] for r in rows}
    assert result["must"]


def test_two_folders_are_taken_by_one_option() -> None:
    chosen = options(run, ["--listings", "a", "b", "--day", "14", "--train", "c"])
    assert chosen == {"listings": (Path("a"), Path("b")), "day": 14, "train": Path("c")}
    with pytest.raises(ValueError, match="write --listings value value"):
        options(run, ["--listings", "a"])
