"""`anxu bench cuts`: cut points on drawn crab weights, and on the sample county against the present cuts, out of sample."""

from typing import Any

from benchmarks.cuts_county import ALL, CHANGED, county_rows
from benchmarks.cuts_crab import crab_rows

OVER_WIDTH, OVER_PRESENT = 1.20, 1.10


def run(size: str = "demo", *, seed: int = 1, seeds: int = 30, counties: int = 5) -> dict[str, Any]:
    """Measure both cases.

    Args:
        size: Of the sample county: tiny, demo or county.
        seed: The first of both cases.
        seeds: Drawn crab markets.
        counties: Sample counties.
    """
    crab, county = crab_rows(range(seed, seed + seeds)), county_rows(size, range(seed, seed + counties))
    crabs = {r["metric"]: r["value"] for r in crab if r["segment"] == "all crab"}
    every, changed = (
        {r["metric"]: r["value"] for r in county if r["segment"] == group and r["method"] == "anxu"}
        for group in (ALL, CHANGED)
    )
    must = [
        _least("crab: revenue ÷ equal width's, mean", crabs["crab_over_equal_width"], OVER_WIDTH),
        _least("crab: revenue ÷ terciles', least of the seeds", crabs["crab_over_terciles_least"], 1.0),
        _least(
            "county: revenue per kg ÷ present cuts', all crops, out of sample",
            every["over_present, planned, packed"],
            OVER_PRESENT,
        ),
        _least(
            "county: revenue per kg ÷ present cuts' where new cuts are proposed, out of sample",
            changed["over_present, planned, packed"],
            OVER_PRESENT,
        ),
    ]
    return {"bench": "cuts", "data": f"made up, {size}", "seed": seed, "rows": crab + county, "must": must}


def _least(what: str, value: float, limit: float) -> dict[str, Any]:
    return {"what": f"{what}, at least", "value": value, "limit": limit, "holds": value >= limit}
