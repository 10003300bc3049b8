"""Everything but orders: sensor feeds, weather, farm tables and plain tables."""

from pipelines.sources.chirpstack import ChirpStack
from pipelines.sources.kinds import Source
from pipelines.sources.loggers import Loggers
from pipelines.sources.open_meteo import OpenMeteo
from pipelines.sources.sensorthings import SensorThings
from pipelines.sources.tables import TABLES
from pipelines.sources.things_stack import ThingsStack
from pipelines.sources.toa5 import Toa5
from pipelines.sources.weather_csv import WeatherCsv

SOURCES: list[Source] = [
    ThingsStack(),
    ChirpStack(),
    SensorThings(),
    Toa5(),
    Loggers(),
    OpenMeteo(),
    WeatherCsv(),
    *TABLES,
]
