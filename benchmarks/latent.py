"""`anxu bench latent`: how much of the sales that a stock-out would have hidden is recovered.

On days that did not run out, hours are hidden as on real stock-out days; the truth is what these hours sold.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.fresh_data import CENT, OPEN_HOURS, read_fresh
from benchmarks.latent_days import Sales, read_sales, sold_columns
from features.latent import out_of_stock
from features.latent_hours import Floats
from features.latent_level import around_sum
from models.forecasting.latent import LatentParams, fit
from models.forecasting.latent_clues import Context
from models.forecasting.latent_masks import Hiding, draw_hiding, right_after_a_sale

HIDDEN_DAYS = 0.1
"""Share of the whole days that are hidden from the method, in part or in full."""
PEER_DAYS = 7
PLAIN, AFTER_SALE = "masks of real days", "right after a sale"
MUST = (
    (PLAIN, "day total", 0.175, 0.03),
    (PLAIN, "hidden part", 0.41, 0.07),
    (AFTER_SALE, "day total", 0.19, 0.04),
)


def run(data: Path, *, series: int = 0, seed: int = 1, threads: int = 1) -> dict[str, object]:
    """Hide, recover, compare.

    Args:
        data: Folder laid out as freshretailnet-cities.
        series: A sample of so many series; 0: all.
        seed: Of the sample, the hidden days and the model.
        threads: For LightGBM.
    """
    sales = read_sales(read_fresh(data, series=series, seed=seed))
    rows, scores = list[dict[str, object]](), dict[tuple[str, str, str], float]()
    for segment in (PLAIN, AFTER_SALE):
        for part, method, metric, value in one_run(sales, segment == AFTER_SALE, seed=seed, threads=threads):
            name = f"{segment}: {part}"
            rows.append({"segment": name, "metric": metric, "method": method, "value": round(value, 4)})
            if method == "anxu":
                scores[segment, part, metric] = value
    must = [
        {
            "what": f"{segment}, {part}: {metric}",
            "value": round(value, 4),
            "limit": limit,
            "holds": value <= limit,
        }
        for segment, part, wape, bias in MUST
        for metric, limit, value in (
            ("WAPE", wape, scores[segment, part, "wape"]),
            ("|bias|", bias, abs(scores[segment, part, "bias"])),
        )
    ]
    return {"bench": "latent", "data": data.name, "seed": seed, "rows": rows, "must": must}


def one_run(
    sales: Sales, after_sale: bool, *, seed: int, threads: int, params: LatentParams | None = None
) -> list[tuple[str, str, str, float]]:
    """Hide a tenth of the whole days and recover them: (part, method, metric, value)."""
    hiding, truth = hide(sales, after_sale, seed)
    masked = with_hidden(sales, hiding)
    state, share = masked.state()
    mask, _ = out_of_stock(masked.grid)
    model = fit(state, mask, params=params, seed=seed, threads=threads)
    kept = np.asarray(state.day.days.seen[hiding.rows], np.float64)
    ours = model.hidden_kg(
        state, hiding.rows, hidden=hiding.hidden, hidden_share=share[hiding.rows], threads=threads
    )
    found = [("all", "-", "hidden days", float(len(kept)))]
    peers = {
        "anxu": ours,
        "closed form": state.day.hidden_kg(hiding.rows, share[hiding.rows]),
        "level × hidden share": local_mean(state)[hiding.rows] * share[hiding.rows],
    }
    for method, hidden in peers.items():
        for part, guess, true in (("day total", kept + hidden, kept + truth), ("hidden part", hidden, truth)):
            found.append((part, method, "wape", float(np.abs(guess - true).sum() / true.sum())))
            found.append((part, method, "bias", float((guess - true).sum() / true.sum())))
    return found


def hide(sales: Sales, after_sale: bool, seed: int) -> tuple[Hiding, Floats]:
    """Draw days and masks; returns them with the true hidden sales (in the unit of sale_amount)."""
    state, _ = sales.state()
    mask, _ = out_of_stock(sales.grid)
    count = int(HIDDEN_DAYS * state.day.days.complete.sum())
    hiding = draw_hiding(state.day.days, mask, count, seed=seed, replace=False, hours=OPEN_HOURS)
    if after_sale:
        hiding = right_after_a_sale(hiding, sales.hourly[hiding.rows] > 0, hours=OPEN_HOURS)
    return hiding, (sales.hourly[hiding.rows] * hiding.hidden).sum(axis=1) * CENT


def with_hidden(sales: Sales, hiding: Hiding) -> Sales:
    """The sales as they would have been recorded: hidden hours sold nothing and are in the mask."""
    hourly = sales.hourly.copy()
    hourly[hiding.rows] = np.where(hiding.hidden, 0, hourly[hiding.rows])
    mask, hours = out_of_stock(sales.grid)
    mask, hours = mask.copy(), hours.copy()
    mask[hiding.rows] = (hiding.hidden * (1 << np.arange(hiding.hidden.shape[1]))).sum(axis=1)
    hours[hiding.rows] = hiding.hidden.sum(axis=1)
    grid = sales.grid.with_columns(
        out_mask=pl.Series(mask), out_hours=pl.Series(hours), **sold_columns(hourly)
    )
    return replace(sales, grid=grid, hourly=hourly)


def local_mean(state: Context) -> Floats:
    """The peer's level: seen ÷ share in stock over the week before and the week after; 0 where neither tells anything."""
    seen, share = state.day.days.seen.astype(np.float64), state.day.days.share.astype(np.float64)
    kg, whole = (around_sum(x, state.day.days.series, PEER_DAYS) - x for x in (seen, share))
    return np.divide(kg, whole, out=np.zeros_like(kg), where=whole > 0)
