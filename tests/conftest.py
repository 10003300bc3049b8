"""What holds for every test: quiet libraries, one thread, the long ones first so that two workers end together.

Property tests draw the same examples each time, however long a busy machine takes over them; `ANXU_HYPOTHESIS=searching`
draws new ones.
"""

import os
from typing import Any

import hypothesis
import pytest

from pipelines.run import QUIET

unhurried: dict[str, Any] = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("repeatable", derandomize=True, **unhurried)
hypothesis.settings.register_profile("searching", derandomize=False, **unhurried)
hypothesis.settings.load_profile(os.environ.get("ANXU_HYPOTHESIS", "repeatable"))

for key, value in {
    **QUIET,
    "ANXU_THREADS": "1",
    "ANXU_RECIPE_BUDGET_S": "0",
    "ANXU_HOSTS": '["testserver"]',
}.items():
    os.environ.setdefault(key, value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start what takes a minute before what takes a moment."""
    items.sort(key=lambda item: item.get_closest_marker("flow") is None)
