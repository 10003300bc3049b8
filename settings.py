"""The one settings class: where things live, which day it is, how far ahead, how many threads."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

FILE_NAME = "anxu.toml"
Reference = Annotated[str, Field(pattern=r"^(env|file):.+")]
"""Where a secret lies: `env:NAME` or `file:PATH` (of the county folder, or absolute); never the secret itself."""


class Robot(BaseModel):
    """One receiver of messages: a group robot or a plain webhook."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["dingtalk", "wecom", "feishu", "webhook"]
    url: str = ""
    """Without its token; empty: the vendor's own. A webhook needs one."""
    token: Reference | None = None
    """access_token, key or hook id of the robot; bearer token of a webhook."""
    secret: Reference | None = None
    """What requests are signed with."""
    language: Literal["zh", "en"] = "zh"
    quiet_from: time | None = None
    quiet_until: time | None = None
    """In these hours (local time) only a failed run is told."""
    allow_private: bool = False
    """Send also where the host resolves to an address of this machine or a private network, and without TLS."""


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
    plan_scenarios: Annotated[int, Field(ge=0, le=100)] = 20
    """Scenarios that demand paths are reduced to for planning; 0: the plan is made for mean demand alone."""
    plan_risk_weight: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of a plan's aim given to CVaR; the rest goes to mean profit."""
    plan_risk_level: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """CVaR is the mean profit of the worst 1 − plan_risk_level."""
    plan_frozen_weeks: Annotated[int, Field(ge=0, le=52)] = 2
    """What the last plan sows within so many weeks stands."""
    plan_move_yuan_per_mu: Annotated[float, Field(ge=0)] = 20.0
    """A plot leaves the last plan only for a gain above this, for each mu that then stands otherwise."""
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
    hosts: tuple[str, ...] = ()
    """Names the service is called by in browsers, beside localhost and bare addresses; others are refused."""
    allow_open: bool = False
    """Serve on other addresses than loopback although no key and no user is made: whoever reaches the port may write."""
    session_hours: Annotated[float, Field(gt=0, le=720)] = 12
    rate_per_minute: Annotated[int, Field(ge=0)] = 3000
    """Requests a minute of one key or user; 0: not counted."""
    max_upload_mb: Annotated[int, Field(ge=1)] = 256
    robots: dict[str, Robot] = Field(default_factory=dict)
    """Name → who is told when a night fails, what needs a decision and what changed."""
    public_url: str = ""
    """Where people open the page, e.g. http://192.168.1.5:8000; messages then link to it."""
    mlflow_port: Annotated[int, Field(ge=1, le=65535)] = 5000
    prefect_api_url: str = "http://127.0.0.1:4200/api"
    nightly_cron: str = "0 2 * * *"
    hourly_cron: str = "30 6-22 * * *"
    """When orders and fields are compared within the day; '': never."""
    """When the night runs under `anxu schedule` and `anxu up` (five fields, local time)."""
    log_format: Literal["text", "json"] = "text"

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
    def access_path(self) -> Path:
        """SQLite file of keys and users (0600): digests of keys, hashes of passwords."""
        return self.home / "access.sqlite"

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
