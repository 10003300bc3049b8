"""A problem spread out: every practice that may be sown on a plot in a planned season, and what binds it."""

from dataclasses import dataclass

import polars as pl

from models.planning.problem import Params, Problem
from models.planning.slots import class_seasons, past_plantings, standing_perennials, with_slots


@dataclass(frozen=True)
class Activities:
    """The choices and their limits as frames; row numbers are the indices of the linear programme.

    `lines`: one row per plot, practice and year (plot_id, practice_id, crop_id, group, year, season, last_season,
    start, end, cost_yuan_per_mu, is_legume, is_perennial, min_mu, max_mu, key). A slot (`start`, `end`) numbers the
    seasons that the plot's land class uses, without holes over the years, so `next season` is `slot + 1`.
    `land`: plot_id, slot, year, season, free_mu. `keys`: one row per plot, rotation group and span of slots that needs
    a yes or no (plot_id, group, start, end, year, season, area_mu). `pairs`: two keys that exclude each other.
    `legume`: plot_id, from_year, to_year, missing_mu. `standing`: perennials (plot_id, crop_id, standing_mu).
    `past`: history with last_season and slots.
    """

    lines: pl.DataFrame
    land: pl.DataFrame
    keys: pl.DataFrame
    pairs: pl.DataFrame
    legume: pl.DataFrame
    standing: pl.DataFrame
    past: pl.DataFrame


def spread(problem: Problem, params: Params) -> Activities:
    """List every choice of the plan and every limit on it."""
    seasons = class_seasons(problem.usable_practices())
    past = past_plantings(problem, seasons)
    standing = standing_perennials(problem, past)
    lines = _lines(problem, params, seasons, standing, past)
    lines = _drop_repeats_of_history(lines, past, params)
    lines = _settle(lines, problem.fixed).with_row_index("line")
    keys = _keys(lines, problem.plots, params)
    pairs = _pairs(keys, params)
    if not params.min_share:
        keys, pairs = _only_conflicting(keys, pairs)
    lines = lines.join(
        keys.select("plot_id", "group", "start", "end", "key"),
        on=["plot_id", "group", "start", "end"], how="left", maintain_order="left",
    )  # fmt: skip
    return Activities(
        lines=lines,
        land=_land(problem, params, seasons, past, standing),
        keys=keys,
        pairs=pairs,
        legume=_legume(problem, params, past, standing),
        standing=standing,
        past=past,
    )


def _lines(
    problem: Problem, params: Params, seasons: pl.DataFrame, standing: pl.DataFrame, past: pl.DataFrame
) -> pl.DataFrame:
    """Every plot × fitting practice × planned year; perennials where they stand and are not recorded for that year yet."""
    recorded = past.select(
        "plot_id", "crop_id", "season", pl.col("year").cast(pl.Int64), is_recorded=True
    ).unique()
    years = pl.DataFrame(
        {"year": list(range(params.first_year, params.last_year + 1))}, schema={"year": pl.Int64}
    )
    rotate = pl.col("crop_id") if params.rotate_by == "crop" else pl.col("family")
    rows = (
        problem.plots.select("plot_id", "land_class", "area_mu")
        .join(problem.usable_practices(), on="land_class")
        .join(problem.crops.select("crop_id", "family", "is_legume"), on="crop_id")
        .join(years, how="cross")
        .filter((pl.col("year") > params.first_year) | (pl.col("season") >= params.first_season))
        .join(standing, on=["plot_id", "crop_id"], how="left")
        .join(recorded, on=["plot_id", "crop_id", "season", "year"], how="left")
        .filter(
            ~pl.col("is_perennial") | (pl.col("standing_mu").is_not_null() & pl.col("is_recorded").is_null())
        )
        .with_columns(
            group=rotate,
            rotates=~pl.col("is_perennial") & ~pl.col("crop_id").is_in(sorted(params.may_repeat)),
            alone=pl.concat_str(["land_class", pl.lit("/"), "season"]).is_in(
                [f"{land_class}/{season}" for land_class, season in sorted(params.one_crop)]
            ),
            min_mu=0.0,
            max_mu=pl.when("is_perennial").then("standing_mu").otherwise("area_mu").cast(pl.Float64),
        )
        .join(_barred(problem), on=["plot_id", "practice_id"], how="anti")
        .sort("plot_id", "year", "season", "practice_id")
    )
    return with_slots(rows, seasons)


def _barred(problem: Problem) -> pl.DataFrame:
    return pl.DataFrame(
        list(problem.barred), schema={"plot_id": pl.String, "practice_id": pl.String}, orient="row"
    )


def _drop_repeats_of_history(lines: pl.DataFrame, past: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Leave out what would follow itself right after a season of history, or right before one that is sown already."""
    group = pl.col("crop_id" if params.rotate_by == "crop" else "family").alias("group")
    before = past.select("plot_id", group, start=pl.col("end") + 1).unique()
    rotates = pl.col("rotates")
    ahead = past.select("plot_id", group, end=pl.col("start") - 1).unique()
    hit = pl.concat(
        [
            lines.filter(rotates).join(before, on=["plot_id", "group", "start"], how="semi"),
            lines.filter(rotates).join(ahead, on=["plot_id", "group", "end"], how="semi"),
        ]
    ).unique()
    if params.repeat == "season-too":
        year_ago = past.select("plot_id", group, "season", year=pl.col("year").cast(pl.Int64) + 1).unique()
        again = lines.filter(rotates).join(year_ago, on=["plot_id", "group", "season", "year"], how="semi")
        hit = pl.concat([hit, again]).unique()
    key = ["plot_id", "practice_id", "year", "season"]
    return lines.join(hit, on=key, how="anti", maintain_order="left")


def _settle(lines: pl.DataFrame, fixed: pl.DataFrame) -> pl.DataFrame:
    """Put settled areas into the limits of their lines; a settled line that no rule allows is refused."""
    key = ["plot_id", "practice_id", "year", "season"]
    asked = fixed.filter(pl.col("min_mu") > 0).join(lines, on=key, how="anti")
    if asked.height:
        row = asked.row(0, named=True)
        raise ValueError(
            f"plot '{row['plot_id']}': practice '{row['practice_id']}' is settled for {row['year']} season "
            f"{row['season']}, but it does not fit the plot or would follow itself; withdraw the decision"
        )
    settled = fixed.select(*key, low="min_mu", high="max_mu")
    return (
        lines.join(settled, on=key, how="left", maintain_order="left")
        .with_columns(
            min_mu=pl.coalesce("low", "min_mu"),
            max_mu=pl.min_horizontal("max_mu", pl.coalesce("high", "max_mu")),
        )
        .drop("low", "high")
    )


def _keys(lines: pl.DataFrame, plots: pl.DataFrame, params: Params) -> pl.DataFrame:
    """One row per plot, rotation group and span of slots, for lines that rotate or stand alone (all with a min share)."""
    annual = lines.filter(~pl.col("is_perennial"))
    held = annual if params.min_share else annual.filter(pl.col("rotates") | pl.col("alone"))
    return (
        held.group_by("plot_id", "group", "start", "end")
        .agg(pl.first("year", "season"), pl.any("rotates", "alone"))
        .join(plots.select("plot_id", "area_mu"), on="plot_id")
        .sort("plot_id", "start", "group", "end")
        .with_row_index("key")
    )


def _pairs(keys: pl.DataFrame, params: Params) -> pl.DataFrame:
    """Keys of one group that the repeat rule keeps apart."""
    turning = keys.filter("rotates").select("plot_id", "group", "start", "end", "season", "year", "key")
    after = turning.select("plot_id", "group", meets=pl.col("start") - 1, later="key")
    found = turning.join(after, left_on=["plot_id", "group", "end"], right_on=["plot_id", "group", "meets"])
    pairs = found.select(first="key", second="later")
    if params.repeat == "season-too":
        next_year = turning.select("plot_id", "group", "season", year=pl.col("year") - 1, later="key")
        again = turning.join(next_year, on=["plot_id", "group", "season", "year"])
        pairs = pl.concat([pairs, again.select(first="key", second="later")])
    return pairs.unique().sort("first", "second")


def cliques(pairs: pl.DataFrame) -> pl.DataFrame:
    """Sets of keys that exclude each other pairwise: every pair lies in one, and none can be made larger (clique, key, first, second).

    One row "at most one of these" is tighter than a row a pair: three halves no longer fit.
    """
    beside: dict[int, set[int]] = {}
    for one, two in pairs.iter_rows():
        beside.setdefault(one, set()).add(two)
        beside.setdefault(two, set()).add(one)
    found: dict[tuple[int, ...], None] = {}
    for one, two in pairs.iter_rows():
        clique, open_ = {one, two}, beside[one] & beside[two]
        while open_:
            nearest = min(open_, key=lambda key: (abs(key - one), key))
            clique.add(nearest)
            open_ &= beside[nearest]
        found[tuple(sorted(clique))] = None
    rows = [(n, key, members[0], members[-1]) for n, members in enumerate(found) for key in members]
    return pl.DataFrame(
        rows, schema=dict.fromkeys(("clique", "key", "first", "second"), pl.UInt32), orient="row"
    )


def _only_conflicting(keys: pl.DataFrame, pairs: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Without a minimum share, only keys in some pair or alone need a yes or no; number them anew."""
    alone = keys.filter("alone")["key"].cast(pairs["first"].dtype)
    used = pl.concat([pairs["first"], pairs["second"], alone]).unique()
    kept = keys.filter(pl.col("key").is_in(used.implode())).rename({"key": "old"}).with_row_index("key")
    new = dict(zip(kept["old"], kept["key"], strict=True))
    renumbered = pairs.with_columns(
        pl.col("first", "second").replace_strict(new, return_dtype=pl.UInt32)
        if new
        else pl.col("first", "second")
    )
    return kept.drop("old"), renumbered


def _land(
    problem: Problem, params: Params, seasons: pl.DataFrame, past: pl.DataFrame, standing: pl.DataFrame
) -> pl.DataFrame:
    """Free land per plot and planned slot: its area less perennials and what still stands from before the plan."""
    years = pl.DataFrame(
        {"year": list(range(params.first_year, params.last_year + 1))}, schema={"year": pl.Int64}
    )
    taken = (
        past.select("plot_id", "area_mu", slot=pl.int_ranges("start", pl.col("end") + 1))
        .explode("slot")
        .group_by("plot_id", "slot")
        .agg(taken_mu=pl.sum("area_mu"))
    )
    under = standing.group_by("plot_id").agg(under_mu=pl.sum("standing_mu"))
    return (
        problem.plots.join(seasons, on="land_class")
        .join(years, how="cross")
        .filter((pl.col("year") > params.first_year) | (pl.col("season") >= params.first_season))
        .with_columns(slot=pl.col("year") * pl.col("per_year") + pl.col("rank"))
        .join(taken, on=["plot_id", "slot"], how="left")
        .join(under, on="plot_id", how="left")
        .with_columns(
            free_mu=(
                pl.col("area_mu")
                - pl.max_horizontal(pl.col("taken_mu").fill_null(0), pl.col("under_mu").fill_null(0))
            ).clip(lower_bound=0)
        )
        .select("plot_id", "slot", "year", "season", "free_mu")
        .sort("plot_id", "slot")
    )


def _legume(problem: Problem, params: Params, past: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """Per plot and window: the legume area that planned years must still bear."""
    plots = problem.plots.select("plot_id", "land_class", "area_mu")
    if params.legume_classes is not None:
        plots = plots.filter(pl.col("land_class").is_in(sorted(params.legume_classes)))
    under = standing.group_by("plot_id").agg(under_mu=pl.sum("standing_mu"))
    plots = plots.join(under, on="plot_id", how="left").with_columns(
        area_mu=pl.col("area_mu") - pl.col("under_mu").fill_null(0)
    )
    borne = past.filter("is_legume").group_by("plot_id", "year").agg(borne_mu=pl.sum("area_mu"))
    windows = pl.DataFrame(
        params.legume_windows(), schema={"from_year": pl.Int64, "to_year": pl.Int64}, orient="row"
    )
    had = (
        plots.join(windows, how="cross")
        .join(borne, on="plot_id", how="inner")
        .filter(pl.col("year").is_between("from_year", "to_year"))
        .group_by("plot_id", "from_year")
        .agg(had_mu=pl.sum("borne_mu"))
    )
    return (
        plots.join(windows, how="cross")
        .join(had, on=["plot_id", "from_year"], how="left")
        .with_columns(missing_mu=pl.col("area_mu") - pl.col("had_mu").fill_null(0))
        .filter(pl.col("missing_mu") > 0)
        .select("plot_id", "from_year", "to_year", "missing_mu")
        .sort("plot_id", "from_year")
    )
