"""What a training run leaves in MLflow beside its model: tables and drawings of its backtest."""

import json
from datetime import date

import polars as pl

from models.evaluation.backtest import Backtest
from models.evaluation.evidence import against_actual, calibration, contributions, node_table
from pipelines.figures import Line, sheet
from pipelines.standing import backtest_nodes
from settings import Settings
from warehouse import Warehouse

MOST_FAMILIES = 8


def evidence(
    settings: Settings,
    warehouse: Warehouse,
    tested: Backtest,
    *,
    cutoff: date,
    choices: pl.DataFrame | None = None,
) -> dict[str, str]:
    """Path → text, for registry.record: forecast against actual and calibration (drawn too), contributions, gain, scores by
    segment, nodes against seasonal naive, season scores by lead as known, and the table recipes were chosen by when given."""
    actual, levels = against_actual(tested), calibration(tested)
    booster = tested.model.booster
    gain = pl.DataFrame({"feature": booster.feature_name(), "gain": booster.feature_importance("gain")})
    tables = {
        "backtest/scores": tested.table(),
        "backtest/actual": actual,
        "backtest/calibration": levels,
        "backtest/contributions": contributions(tested, seed=settings.seed, threads=settings.threads),
        "backtest/importance": gain.sort("gain", descending=True),
        "backtest/nodes": node_table(backtest_nodes(tested)),
        "season/scores_by_lead": _season(warehouse, cutoff),
        **({"choices": choices} if choices is not None else {}),
    }
    texts = {f"{name}.json": as_table(frame) for name, frame in tables.items() if frame.height}
    return texts | {
        "backtest/scores.csv": tables["backtest/scores"].write_csv(),
        "backtest/actual.svg": draw_families(actual),
        "backtest/calibration.svg": draw_calibration(levels),
    }


def as_table(frame: pl.DataFrame) -> str:
    """The JSON that MLflow's page shows as a table."""
    rows = [[str(v) if isinstance(v, date) else v for v in row] for row in frame.iter_rows()]
    return json.dumps({"columns": frame.columns, "data": rows}, ensure_ascii=False)


def draw_families(actual: pl.DataFrame) -> str:
    """Sold, expected and seasonal naive per day of the newest origin, for the largest families, as SVG."""
    newest = actual.filter(pl.col("origin") == pl.col("origin").max())
    largest = (
        newest.group_by("family")
        .agg(pl.col("sold_kg").sum())
        .sort("sold_kg", "family", descending=[True, False])
    )
    panels = []
    for family in largest["family"].head(MOST_FAMILIES):
        days = newest.filter(pl.col("family") == family).sort("date")
        x = days["lead_days"].cast(pl.Float64).to_list()
        names = {"sold_kg": "sold", "anxu_kg": "expected", "seasonal_naive_kg": "naive"}
        lines = [
            Line(name, list(zip(x, days[column], strict=True)), dashed=column != "sold_kg")
            for column, name in names.items()
        ]
        ends = [(x[0], str(days["date"][0])), (x[-1], str(days["date"][-1]))]
        panels.append((f"{family}, kg a day", lines, ends))
    return sheet(panels)


def draw_calibration(levels: pl.DataFrame) -> str:
    """Nominal level against the share of sales below and at or below it, over all and per volume class, as SVG."""
    panels = []
    for segment in [s for s in levels["segment"].unique().sort() if s == "all" or s.startswith("volume:")]:
        rows = levels.filter(pl.col("segment") == segment).sort("level")
        x = rows["level"].to_list()
        lines = [
            Line("nominal", [(q, q) for q in x], dashed=True),
            Line("at or below", list(zip(x, rows["at_or_below"], strict=True))),
            Line("below", list(zip(x, rows["below"], strict=True))),
        ]
        panels.append((f"{segment}, {rows['rows'][0]} days", lines, [(q, f"{q:g}") for q in (x[0], x[-1])]))
    return sheet(panels)


def _season(warehouse: Warehouse, cutoff: date) -> pl.DataFrame:
    """Season scores known before the cutoff, by lead, over everything, newest first."""
    return warehouse.sql(
        "select scored_cutoff, source, lead_weeks, metric, method, value, rows_scored from season_score"
        " where segment = 'all' and cutoff < $cutoff order by scored_cutoff desc, source, lead_weeks, metric, method",
        cutoff=cutoff,
    )
