"""What what-ifs of a release are answered with: its model files, read on the first one that is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from models.forecasting.demand import DemandModel
from models.forecasting.whatif import Book
from models.forecasting.whatif_support import Range, learnt_ranges
from serving.problems import Problem
from serving.published import Release
from serving.reads.forecasts import DAILY
from serving.reads.health import cutoff

MODEL = ("demand.txt", "demand.json")
SMALL = ("price", "campaign", "live", "seen")


@dataclass(frozen=True)
class Desk:
    """Model, plans and history of a release; feature rows and the published forecast stay on disk."""

    model: DemandModel
    learnt: dict[str, Range]
    origin: date
    small: dict[str, pl.DataFrame]
    folder: Path
    first: date
    """First and last day a what-if may touch."""
    last: date

    def book(self, leaves: pl.DataFrame) -> Book:
        """The book of some series; `leaves` names them by product, channel, region."""
        return Book.of(self.origin, {**self.small, "row": self._of(self._rows, leaves)})

    def published(self, leaves: pl.DataFrame) -> pl.DataFrame:
        """The forecast of some series as published, not rounded: DAILY, `forecast_date`, `level`, `demand_kg`, `expected_kg`,
        `fallback_reason`."""
        wanted = [*DAILY, "forecast_date", "level", "demand_kg", "expected_kg", "fallback_reason"]
        found = self._of(self.folder / "demand_forecast.parquet", leaves, wanted)
        return found.with_columns(pl.col("expected_kg").fill_null(0))

    @property
    def _rows(self) -> Path:
        return self.folder / "models" / "whatif_row.parquet"

    def _of(self, path: Path, leaves: pl.DataFrame, wanted: Sequence[str] = ()) -> pl.DataFrame:
        """Rows of a file that belong to the leaves; stretches of the file without their products are not read."""
        products = pl.col("product_id").is_in(leaves["product_id"].unique().implode())
        try:
            scan = pl.scan_parquet(path)
            chosen = scan.select(wanted) if wanted else scan
            found = chosen.filter(products).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _none(f"{path.name} of release '{self.folder.name}' cannot be read ({error})") from error
        return found.join(leaves.select(DAILY), on=DAILY, how="semi", maintain_order="left")


def desk(release: Release) -> Desk:
    """Read the model files of a release; use through `release.made`.

    Raises:
        Problem: 503 where the release carries none, or a model this version cannot use.
    """
    models = release.folder / "models"
    missing = [n for n in (*MODEL, "whatif_row.parquet") if not (models / n).exists()]
    origin = cutoff(release)
    if missing or origin is None:
        raise _none(
            f"release '{release.id}' carries no {', '.join(missing) or 'cutoff'}: its forecast was made without a "
            "model, or by a version that kept none for what-ifs"
        )
    try:
        files = {f"model{Path(name).suffix}": (models / name).read_text("utf-8") for name in MODEL}
        model = DemandModel.from_files(files)
        small = {name: pl.read_parquet(models / f"whatif_{name}.parquet") for name in SMALL}
        days = pl.scan_parquet(models / "whatif_row.parquet").select(
            first=pl.col("date").min(), last=pl.col("date").max()
        )
        first, last = days.collect().row(0)
    except (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError) as error:
        raise _none(f"the model of release '{release.id}' cannot be used: {error}") from error
    return Desk(model, learnt_ranges(model), origin, small, release.folder, first, last)


def _none(detail: str) -> Problem:
    return Problem(
        503, "no-what-if", detail, "run `anxu nightly`; the next release carries what what-ifs need"
    )
