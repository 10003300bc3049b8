"""Shapes of fields and harvest as published."""

from datetime import date
from typing import Literal

from pydantic import Field

from serving.schemas import Shape

Stage = Literal["sown", "emerged", "flowering", "ripe"]
Source = Literal["sensor", "held", "station", "none"]
LEVEL = "0 well, 1 watch, 2 act; what is not known is never 0"


class Standing(Shape):
    """A crop that stands on a plot."""

    crop_id: str
    stage: Stage | None = Field(description="null: no thermal data of the crop")


class FieldState(Shape):
    """How one plot stood on one day."""

    plot_id: str = Field(examples=["V03-07"])
    village_id: str | None
    village_name: str | None
    day: date
    level: int = Field(ge=0, le=2, description=f"the worst of the four: {LEVEL}")
    level_frost: int = Field(ge=0, le=2)
    level_heat: int = Field(ge=0, le=2)
    level_water: int = Field(ge=0, le=2)
    level_disease: int = Field(ge=0, le=2)
    source_frost: Source = Field(
        description="held: the plot's sensor is silent, and its last word still counts"
    )
    source_heat: Source
    source_water: Source
    source_disease: Source
    silent_days: int | None = Field(
        description="since the plot's sensors last said anything; null: it has none"
    )
    standing: list[Standing] | None
    cutoff: date


class OfPlanting(Shape):
    """Which planting a row is about."""

    plot_id: str = Field(examples=["V03-07"])
    village_id: str | None
    village_name: str | None
    crop_id: str
    year: int
    season: int


class HarvestOutlook(OfPlanting):
    """One planting that stands: stage, ready date, kilograms of the season."""

    practice_id: str
    area_mu: float = Field(description="1 mu = 1/15 ha")
    sown_on: date
    stage: Stage | None
    heat_c_d: float | None = Field(description="thermal time since sowing (°C·d)")
    from_observed: bool = Field(description="a stage seen in the field put it right")
    unknown_days: int = Field(description="days without a temperature, which added nothing")
    is_overdue: bool = Field(description="ripe long since, and no cut is on record")
    cuts: int
    cut_kg: float
    first_cut_on: date | None
    last_cut_on: date | None
    ready_p10: date | None = Field(description="first cut; null: not within 240 days")
    ready_p50: date | None
    ready_p90: date | None
    season_p10_kg: float
    season_p50_kg: float
    season_p90_kg: float
    season_expected_kg: float
    last_year_kg: float | None = Field(description="last year's mean of the crop × the area")
    cutoff: date


class HarvestDay(OfPlanting):
    """Kilograms of one planting that ripen on one day ahead."""

    forecast_date: date
    p10_kg: float
    p50_kg: float
    p90_kg: float
    expected_kg: float = Field(description="the mean: add these, quantiles do not add up")
    cutoff: date


class HarvestActual(OfPlanting):
    """What was said of a planting, and what was cut."""

    area_mu: float
    is_finished: bool
    practice_kg: float = Field(description="what its practice promises")
    told_on: date | None = Field(
        description="night of the first outlook, before any cut; null: none on record"
    )
    told_kg: float | None
    told_ready_on: date | None
    cut_kg: float
    cuts: int
    first_cut_on: date | None
    reported_kg: float = Field(description="of cut_kg, from growers' own reports")
    cutoff: date


class HarvestValue(Shape):
    """Yields told from earlier years alone, beside last year's mean of the crop."""

    crop_id: str = Field(description="'*': all crops")
    year: int
    seasons: int
    harvested_kg: float
    wape_anxu: float
    wape_last_year: float
    value_added: float = Field(description="1 − their ratio")
    cutoff: date
