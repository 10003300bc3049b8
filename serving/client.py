"""A small typed client of the service: reads page after page into models, writes that may be sent again.

with Client("http://127.0.0.1:8000", key="anxu_…") as anxu:
    for row in anxu.forecasts(product_id="rice-5kg"):
        print(row.forecast_date, row.expected_kg)
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel

from serving.schemas import (
    DemandForecast,
    Health,
    PlantingPlan,
    PlantingRecommendation,
    Plot,
    Product,
    Run,
    Sale,
    SeasonForecast,
)
from serving.schemas_access import Me
from serving.schemas_bestsellers import BestsellerCall, SelectionRecommendation
from serving.schemas_field import CommitmentEntry, HarvestReport
from serving.schemas_files import FileTaken, RejectedRow, ReleaseFolder, Releases, SheetTaken
from serving.schemas_planting import DecisionRecord, PlantingChange, SupplyNeed
from serving.schemas_writes import Accepted, Decision, Override, OverrideState, Withdrawal

Model = TypeVar("Model", bound=BaseModel)
Query = str | int | float | date | bool | None
TRIES = 3
"""A write that got no answer is sent again so often, under the same Idempotency-Key."""


class ProblemAnswer(Exception):  # noqa: N818
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status, self.body = status, dict(body)
        self.kind = str(body.get("type", "")).rpartition(":")[2]
        super().__init__(f"{status} {self.kind}: {body.get('detail', '')} ({body.get('way_out', '')})")


class Client:
    """One service. Reads raise ProblemAnswer for problems and httpx.TransportError where nobody answers."""

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        timeout_s: float = 30.0,
        http: httpx.Client | None = None,
    ) -> None:
        """`http` stands in for a connection of its own, as tests do."""
        self._http = http or httpx.Client(base_url=address, timeout=timeout_s)
        if key:
            self._http.headers["Authorization"] = f"Bearer {key}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> Health:
        """Whether the service lives and what it serves."""
        return self._one("/v1/health", Health)

    def me(self) -> Me:
        """Who the service takes this client for."""
        return self._one("/v1/me", Me)

    def forecasts(self, **filters: Query) -> Iterator[DemandForecast]:
        """Demand by product, channel, region and day; filters as in docs/api.md (`from_` for `from`)."""
        return self._rows("/v1/forecasts", DemandForecast, filters)

    def seasons(self, **filters: Query) -> Iterator[SeasonForecast]:
        """Demand by family, channel, region and week."""
        return self._rows("/v1/seasons", SeasonForecast, filters)

    def sales(self, **filters: Query) -> Iterator[Sale]:
        """What was sold by product, channel, region and day."""
        return self._rows("/v1/sales", Sale, filters)

    def recommendations(self, **filters: Query) -> Iterator[PlantingRecommendation]:
        """What to plant where, with reasons."""
        return self._rows("/v1/recommendations/planting", PlantingRecommendation, filters)

    def plan(self) -> PlantingPlan:
        """The newest plan and its balance."""
        return self._one("/v1/plans/planting", PlantingPlan)

    def changes(self, **filters: Query) -> Iterator[PlantingChange]:
        """What changed since the plan before, and why."""
        return self._rows("/v1/planting/changes", PlantingChange, filters)

    def supplies(self, **filters: Query) -> Iterator[SupplyNeed]:
        """Seed, seedlings and labour by week."""
        return self._rows("/v1/planting/supplies", SupplyNeed, filters)

    def bestsellers(self, **filters: Query) -> Iterator[BestsellerCall]:
        """Which products will sell best."""
        return self._rows("/v1/bestsellers", BestsellerCall, filters)

    def selections(self, **filters: Query) -> Iterator[SelectionRecommendation]:
        """What to take on, keep or drop."""
        return self._rows("/v1/selections", SelectionRecommendation, filters)

    def products(self, **filters: Query) -> Iterator[Product]:
        """Products with their crops."""
        return self._rows("/v1/products", Product, filters)

    def plots(self, **filters: Query) -> Iterator[Plot]:
        """Plots with their villages."""
        return self._rows("/v1/plots", Plot, filters)

    def runs(self) -> Iterator[Run]:
        """Nights, newest first."""
        return self._rows("/v1/runs", Run, {})

    def rejected_rows(self, **filters: Query) -> Iterator[RejectedRow]:
        """Refused lines in full."""
        return self._rows("/v1/intake/rejected/rows", RejectedRow, filters)

    def releases(self) -> list[ReleaseFolder]:
        """Every release there is, newest first."""
        return self._one("/v1/releases", Releases).items

    def overrides(self, **filters: Query) -> Iterator[OverrideState]:
        """Overrides and how they stand."""
        return self._rows("/v1/overrides", OverrideState, filters)

    def decisions(self, **filters: Query) -> Iterator[DecisionRecord]:
        """Answers to recommendations and what became of them."""
        return self._rows("/v1/decisions", DecisionRecord, filters)

    def override(self, body: Override) -> Accepted:
        """Change a forecast for some days."""
        return self._write("/v1/overrides", body)

    def withdraw(self, override_id: str, body: Withdrawal) -> Accepted:
        """Take an override back."""
        return self._write(f"/v1/overrides/{override_id}/withdrawal", body)

    def decide(self, body: Decision) -> Accepted:
        """Accept, change or refuse a recommendation."""
        return self._write("/v1/decisions", body)

    def report(self, body: HarvestReport) -> Accepted:
        """Report a sowing or a harvest."""
        return self._write("/v1/harvest/reports", body)

    def promise(self, body: CommitmentEntry) -> Accepted:
        """Enter a commitment."""
        return self._write("/v1/commitments", body)

    def export(self, table: str, **query: Query) -> bytes:
        """A file of /v1/exports: planting, plots, crops, products, plantings, harvests, commitments, rejected, calendar, tasks."""
        return self._answer("GET", f"/v1/exports/{table}", params=_asked(query)).content

    def send_sheet(self, file: Path, author: str) -> SheetTaken:
        """Send a filled-in planting sheet back; sent twice it is kept once."""
        params = {"author": author}
        answer = self._answer("POST", "/v1/imports/planting", params=params, content=file.read_bytes())
        return SheetTaken.model_validate_json(answer.content)

    def send_file(self, file: Path, *, shop: str = "") -> FileTaken:
        """Hand a file in for the next night; its bytes are taken in once."""
        params = {"name": file.name, "shop": shop}
        answer = self._answer("POST", "/v1/intake/files", params=params, content=file.read_bytes())
        return FileTaken.model_validate_json(answer.content)

    def _one(self, path: str, model: type[Model]) -> Model:
        return model.model_validate_json(self._answer("GET", path).content)

    def _rows(self, path: str, model: type[Model], filters: Mapping[str, Query]) -> Iterator[Model]:
        """Every row once, page after page; a release published in between ends it with problem 'cursor-expired'."""
        params = _asked(filters)
        while True:
            page = self._answer("GET", path, params=params).json()
            for row in page["items"]:
                yield model.model_validate(row)
            if page["next_cursor"] is None:
                return
            params = {**params, "cursor": page["next_cursor"]}

    def _write(self, path: str, body: BaseModel) -> Accepted:
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        content = body.model_dump_json(exclude_none=True).encode()
        for left in reversed(range(TRIES)):
            try:
                answer = self._answer("POST", path, headers=headers, content=content)
            except httpx.TransportError:
                if not left:
                    raise
            else:
                return Accepted.model_validate_json(answer.content)
        raise AssertionError("the last try returns or raises")

    def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._http.request(method, path, **more)
        if answer.is_success:
            return answer
        is_problem = "problem+json" in answer.headers.get("content-type", "")
        raise ProblemAnswer(
            answer.status_code, answer.json() if is_problem else {"detail": answer.text[:500]}
        )


def _asked(filters: Mapping[str, Query]) -> dict[str, str]:
    """Filters that are given, as a query; `from_` stands for `from`, which Python keeps for itself."""
    return {name.rstrip("_"): str(value) for name, value in filters.items() if value is not None}
