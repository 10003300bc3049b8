"""The one settings class: where things live, which day it is, how far ahead, how many threads."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

FILE_NAME = "anxu.toml"


class Settings(BaseSettings):
    """Settings of one county folder; unknown keys are refused.

    Order of precedence: arguments, environment (`ANXU_…`), the folder's anxu.toml, the defaults here.
    """

    model_config = SettingsConfigDict(env_prefix="ANXU_", extra="forbid", frozen=True)

    home: Path = Path("county")
    """The county folder: warehouse, releases, inbox, models, backups."""
    data: Path = Path("../shared/data")
    """Folder of real data sets for `make real` and the benchmarks; never shipped."""

    timezone: str = "Asia/Shanghai"
    day_closes: time = time(6, 0)
    """What arrives until this hour of the next morning belongs to the day (local time)."""

    horizon_days: Annotated[int, Field(ge=1, le=56)] = 28
    levels: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    forecast_min_sale_days: Annotated[int, Field(ge=0)] = 0
    """Series with fewer days of sales get no daily forecast; 0: all get one, short ones a labelled baseline."""
    forecast_within_days: Annotated[int, Field(ge=1)] = 28
    """With forecast_min_sale_days: the last sale is at most so many days old."""
    backtest_origins: Annotated[int, Field(ge=1, le=52)] = 4
    train_every_days: Annotated[int, Field(ge=1, le=365)] = 7
    recipe_budget_s: Annotated[int, Field(ge=0)] = 60
    """CPU seconds, as estimated, that a training may spend on trying other recipes; 0: the default one is taken."""
    plan_years: Annotated[int, Field(ge=1, le=10)] = 3
    seed: int = 20260101
    threads: Annotated[int, Field(ge=1, le=256)] = 2

    keep_releases: Annotated[int, Field(ge=2)] = 14
    keep_forecast_days: Annotated[int, Field(ge=28)] = 120
    """Forecasts older than this are pruned from the warehouse; scores stay."""
    keep_raw_reading_days: Annotated[int, Field(ge=30)] = 400
    max_file_mb: Annotated[int, Field(ge=1)] = 20_000
    max_unpacked_mb: Annotated[int, Field(ge=1)] = 512
    """Largest size an xlsx may unpack to before it is refused."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    mlflow_port: Annotated[int, Field(ge=1, le=65535)] = 5000
    prefect_api_url: str = "http://127.0.0.1:4200/api"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the folder's anxu.toml below arguments and environment."""
        home = init_settings().get("home") or env_settings().get("home") or cls.model_fields["home"].default
        toml = TomlConfigSettingsSource(settings_cls, toml_file=Path(home) / FILE_NAME)
        return init_settings, env_settings, toml

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file; only flows open it."""
        return self.home / "warehouse.duckdb"

    @property
    def releases_dir(self) -> Path:
        """Published releases and the pointer file `current`."""
        return self.home / "releases"

    @property
    def inbox_dir(self) -> Path:
        """The watched folder for delivered files."""
        return self.home / "inbox"

    @property
    def inbox_path(self) -> Path:
        """SQLite file of what people wrote and no flow has taken in yet."""
        return self.home / "inbox.sqlite"

    @property
    def tracking_uri(self) -> str:
        """MLflow's SQLite store."""
        return f"sqlite:///{self.home.resolve() / 'mlflow.sqlite'}"

    @property
    def artifacts_dir(self) -> Path:
        """MLflow's artefacts: model files, plots, tables."""
        return self.home / "artifacts"

    @property
    def backups_dir(self) -> Path:
        """Where `anxu backup` writes."""
        return self.home / "backups"

    @property
    def key_path(self) -> Path:
        """The secret for buyer hashes (0600), outside the warehouse."""
        return self.home / "secret.key"

    @property
    def zone(self) -> ZoneInfo:
        """The local time zone."""
        return ZoneInfo(self.timezone)

    def known_by(self, cutoff: date) -> datetime:
        """The instant up to which facts count as known on `cutoff`: `day_closes` of the next morning."""
        return datetime.combine(cutoff + timedelta(days=1), self.day_closes, self.zone)
