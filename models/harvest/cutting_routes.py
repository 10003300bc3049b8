"""Ways: hours between places over the legs of the transit table, and who can cut a plot for which cold room."""

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from models.harvest.cutting_problem import CutParams, CutProblem

Floats = NDArray[np.float64]
CREWS_A_PLOT, ROOMS_A_PLOT = 2, 2
"""So many of the nearest are tried for each plot: the own village's crew and the next one's, two cold rooms."""
MINUTE = 1 / 60
"""A leg of no hours still is a leg; the shortest-path code takes 0 for none."""


class Ways:
    """Shortest hours between the ids of the transit table, each leg both ways; infinite where there is none."""

    def __init__(self, transit: pl.DataFrame) -> None:
        legs = transit.select("from_id", "to_id", "hours").drop_nulls()
        self._ids = {x: i for i, x in enumerate(sorted({*legs["from_id"], *legs["to_id"]}))}
        n = len(self._ids)
        least: dict[tuple[int, int], float] = {}
        for a, b, hours in legs.iter_rows():
            key = (self._ids[a], self._ids[b])
            least[key] = min(least.get(key, np.inf), max(float(hours), MINUTE))
        rows, columns = ([k[j] for k in least] for j in (0, 1))
        self._graph = sp.csr_matrix((list(least.values()), (rows, columns)), shape=(n, n))

    def hours(self, sources: list[str | None], targets: list[str | None]) -> Floats:
        """Hours [source, target]; 0 within one place, infinite without a way or for an unknown id."""
        known = sorted({s for s in sources if s in self._ids})  # type: ignore[type-var]
        place = {s: i for i, s in enumerate(known)}
        at = [self._ids[str(s)] for s in known]
        all_hours = dijkstra(self._graph, directed=False, indices=at) if at else np.zeros((0, 0))
        found = np.full((len(sources), len(targets)), np.inf)
        for i, s in enumerate(sources):
            for j, t in enumerate(targets):
                if s is not None and s == t:
                    found[i, j] = 0.0
                elif s in place and t in self._ids:
                    found[i, j] = all_hours[place[str(s)], self._ids[str(t)]]
        return found


def cutting_ways(problem: CutProblem, params: CutParams, ways: Ways) -> pl.DataFrame:
    """Who may cut a plot for which cold room: plot_id, crew_id, crew (row number), cold_room_id, room (row number), way_hours.

    `way_hours`: of the crew, one way. Only cold rooms within the hours from field to cold and crews within their reach; the
    nearest of each. A plot without rows cannot be cut.
    """
    places = sorted({p for p in problem.plots["place_id"] if p is not None})
    crew_hours = ways.hours(list(places), problem.crews["place_id"].to_list())
    crew_hours[:, problem.crews["place_id"].is_null().to_numpy()] = 0.0
    room_hours = ways.hours(list(places), problem.cold_rooms["place_id"].to_list()) + params.loading_hours
    rows = []
    for i, place in enumerate(places):
        for k in _nearest(crew_hours[i], params.crew_reach_hours, CREWS_A_PLOT):
            near = _nearest(room_hours[i], params.field_to_cold_hours, ROOMS_A_PLOT)
            rows += [(place, int(k), int(w), float(crew_hours[i, k])) for w in near]
    schema = {"place_id": pl.String, "crew": pl.Int64, "room": pl.Int64, "way_hours": pl.Float64}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return problem.plots.select("plot_id", "place_id").join(table, on="place_id", maintain_order="left_right")


def _nearest(hours: Floats, most: float, count: int) -> NDArray[np.int64]:
    order = np.argsort(hours, kind="stable")[:count]
    found: NDArray[np.int64] = order[hours[order] <= most + 1e-9]
    return found


def table_hours(problem: CutProblem, params: CutParams, ways: Ways, regions: list[str | None]) -> Floats:
    """Hours from cutting to the table, shipped on the day of cutting [cold room, region]; a null region: at the gate."""
    found = ways.hours(problem.cold_rooms["place_id"].to_list(), regions) + params.dispatch_hours
    found[:, [r is None for r in regions]] = params.dispatch_hours
    return found
