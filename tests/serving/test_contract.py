"""The service held against its own OpenAPI by drawn requests: nothing breaks, and no answer comes that is not written there."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.accounts import Accounts
from serving.app import create_app
from serving.roles import Role
from settings import Settings

from .conftest import put_release, whole_county

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not that every request that fits the schema is accepted: that days lie in order, or an id is known, no schema says."""
EXAMPLES = int(os.environ.get("ANXU_CONTRACT_EXAMPLES", "20"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """The app over the small county, and the header of an administrator's key."""
    county = Settings(home=tmp_path_factory.mktemp("county"), rate_per_minute=0)
    put_release(county.releases_dir, "r1", whole_county())
    key = Accounts(county.access_path).add_key("drawn", Role.ADMIN)[1]
    app = create_app(county)
    with TestClient(app):
        yield app, {"Authorization": f"Bearer {key}"}


def operations(app: Any) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.slow
def test_drawn_requests_break_nothing_and_meet_only_what_is_documented(
    guarded: tuple[Any, dict[str, str]],
) -> None:
    app, who = guarded
    statuses: dict[int, int] = {}
    for operation in operations(app):

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=who)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            without_model = answer.status_code == 503 and answer.json()["type"].endswith(":no-what-if")
            broken = [] if without_model else [not_a_server_error]  # the small county carries no model files
            case.validate_response(answer, checks=[*broken, *CHECKS])

        ask()
    assert {200, 202, 404, 422} <= set(statuses)
    assert sum(statuses.values()) > EXAMPLES * 20


def test_every_path_documents_who_may_and_what_refuses(guarded: tuple[Any, dict[str, str]]) -> None:
    spec = guarded[0].openapi()
    assert set(spec["components"]["securitySchemes"]) == {"key", "key_as_password", "session"}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            wanted = {"400", "414", "429", "431"} | (
                {"403", "411", "413", "422"} if method != "get" else set()
            )
            if path != "/v1/health":
                wanted |= {"401", "403"}
                assert {"key": []} in operation["security"], path
            assert wanted <= set(operation["responses"]), (method, path)
    assert guarded[0].openapi() is spec
