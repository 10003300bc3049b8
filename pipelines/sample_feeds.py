"""Field feeds as the real systems write them: readings in, bytes of The Things Stack, ChirpStack, TOA5, Open-Meteo out."""

from collections.abc import Sequence

import orjson
import polars as pl

ZONE_HOURS = 8
"""The county's clocks are eight hours ahead of UTC all year."""
STAMP = "%Y-%m-%d %H:%M:%S"
_UNITS = {
    "air_temp_c": "C",
    "rel_humidity_pct": "%",
    "soil_vwc": "m3/m3",
    "soil_temp_c": "C",
    "battery_v": "Volts",
}
_LOGGER_NAMES = {
    "air_temp_c": "AirTC",
    "rel_humidity_pct": "RH",
    "soil_vwc": "VWC",
    "soil_temp_c": "SoilT",
    "battery_v": "BattV",
}


def _payload(quantities: dict[str, str]) -> pl.Expr:
    """Decoded values as the inside of a JSON object; what a device does not report is left out."""
    parts = [
        pl.when(pl.col(q).is_not_null()).then(pl.lit(f'"{name}":') + pl.col(q).cast(pl.String))
        for q, name in quantities.items()
    ]
    return pl.concat_str(parts, separator=",", ignore_nulls=True)


def _lines(rows: pl.Expr, readings: pl.DataFrame) -> bytes:
    text = readings.select(rows.alias("line"))["line"]
    return ("\n".join(text) + "\n").encode() if len(text) else b""


def _utc(readings: pl.DataFrame) -> pl.DataFrame:
    utc = pl.col("measured_at") - pl.duration(hours=ZONE_HOURS)
    return readings.with_columns(utc=utc.dt.strftime("%Y-%m-%dT%H:%M:%S"))


def things_stack(readings: pl.DataFrame) -> bytes:
    """Uplinks of The Things Stack v3 as JSON lines; a counter of 0 is left out, as its documents say."""
    payload = _payload(
        {"soil_vwc": "soil_moisture", "soil_temp_c": "soil_temperature", "battery_v": "battery_v"}
    )
    count = pl.when(pl.col("seq") > 0).then(pl.format(',"f_cnt":{}', "seq")).otherwise(pl.lit(""))
    row = pl.format(
        '{{"end_device_ids":{{"device_id":"{}","application_ids":{{"application_id":"qinghe"}}}},"received_at":"{}.412Z",'
        '"uplink_message":{{"f_port":2{},"frm_payload":"AQID","decoded_payload":{{{}}},"rx_metadata":[{{"gateway_ids":'
        '{{"gateway_id":"gw-1"}},"rssi":-97,"snr":6.5}}],"received_at":"{}.203Z","consumed_airtime":"0.056576s"}}}}',
        "sensor_id", "utc", count, payload, "utc",
    )  # fmt: skip
    return _lines(row, _utc(readings))


def chirpstack(readings: pl.DataFrame) -> bytes:
    """`up` events of ChirpStack v4 as JSON lines."""
    names = {
        "air_temp_c": "air_temperature",
        "rel_humidity_pct": "humidity",
        "water_temp_c": "water_temperature",
        "battery_v": "battery_v",
    }
    row = pl.format(
        '{{"deduplicationId":"{}-{}","time":"{}.118+00:00","deviceInfo":{{"tenantName":"qinghe","applicationName":"field",'
        '"deviceProfileName":"{}","deviceName":"{}","devEui":"{}","tags":{{}}}},"devAddr":"01f3a2b4","adr":true,"dr":5,'
        '"fCnt":{},"fPort":10,"confirmed":false,"data":"AQID","object":{{{}}},"rxInfo":[{{"gatewayId":"0016c001f1500812",'
        '"rssi":-88,"snr":7.2}}]}}',
        "sensor_id", "seq", "utc", "model", "sensor_id",
        pl.col("sensor_id").str.extract(r"(\d+)$").str.zfill(16), "seq", _payload(names),
    )  # fmt: skip
    return _lines(row, _utc(readings))


def toa5(readings: pl.DataFrame, sensor_id: str) -> bytes:
    """One logger's table: four heading lines, then its local times; what it lacks is "NAN"."""
    names = list(_LOGGER_NAMES)
    heads = [
        ["TOA5", sensor_id, "CR300", "30817", "CR310.Std.10.03", "CPU:field.CR300", "48211", "Hourly"],
        ["TIMESTAMP", "RECORD", *(_LOGGER_NAMES[n] for n in names)],
        ["TS", "RN", *(_UNITS[n] for n in names)],
        ["", "", *("Smp" for _ in names)],
    ]
    head = "\n".join(",".join(f'"{cell}"' for cell in line) for line in heads)
    cells = [pl.col(n).cast(pl.String).fill_null('"NAN"') for n in names]
    row = pl.concat_str(
        [pl.format('"{}"', pl.col("measured_at").dt.strftime(STAMP)), pl.col("seq").cast(pl.String), *cells],
        separator=",",
    )
    return (head + "\n").encode() + _lines(row, readings)


def open_meteo(
    hours: pl.DataFrame, *, place: tuple[float, float, float], issued_at: str | None = None
) -> bytes:
    """An Open-Meteo answer with hourly values in its default units (wind in km/h); times are local without offset.

    `place` is latitude, longitude (degrees) and elevation (m); `issued_at` is what a collector adds to a forecast.
    """
    names = {
        "temperature_2m": ("air_temp_c", "°C", 1.0), "relative_humidity_2m": ("rel_humidity_pct", "%", 1.0),
        "dew_point_2m": ("dew_point_c", "°C", 1.0), "precipitation": ("rain_mm", "mm", 1.0),
        "pressure_msl": ("pressure_hpa", "hPa", 1.0), "wind_speed_10m": ("wind_m_s", "km/h", 3.6),
        "shortwave_radiation": ("radiation_w_m2", "W/m²", 1.0),
    }  # fmt: skip
    hourly: dict[str, Sequence[object]] = {"time": hours["time"].dt.strftime("%Y-%m-%dT%H:%M").to_list()}
    hourly |= {
        name: (hours[column] * factor).round(1).to_list() for name, (column, _, factor) in names.items()
    }
    issue = {} if issued_at is None else {"issued_at": issued_at}
    return orjson.dumps({
        **issue, "latitude": place[0], "longitude": place[1], "generationtime_ms": 0.2, "utc_offset_seconds": ZONE_HOURS * 3600,
        "timezone": "Asia/Shanghai", "timezone_abbreviation": "GMT+8", "elevation": place[2],
        "hourly_units": {"time": "iso8601", **{name: unit for name, (_, unit, _) in names.items()}}, "hourly": hourly,
    })  # fmt: skip
