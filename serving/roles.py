"""Who may do what: one table of role × route. A route that no line names is closed to all but administrators
for writing, and open to those who read everything for reading."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Role(StrEnum):
    """What a person or a key is here."""

    VIEWER = "viewer"
    MEMBER = "member"
    PLANNER = "planner"
    STEWARD = "steward"
    ADMIN = "admin"


ALL = frozenset(Role)
READERS = ALL - {Role.MEMBER}
"""Read everything; a farm member reads own plots only."""
PLANNERS = frozenset({Role.PLANNER, Role.ADMIN})
STEWARDS = frozenset({Role.STEWARD, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})
HARVESTERS = frozenset({Role.MEMBER, Role.PLANNER, Role.ADMIN})
Anyone = Literal["anyone"]
ANYONE: Anyone = "anyone"
"""Also who has not said who they are."""

READS: Mapping[str, frozenset[Role] | Anyone] = {
    "": READERS,
    "/login": ANYONE,
    "/static": ANYONE,
    "/v1/health": ANYONE,
    "/v1/openapi.json": ANYONE,
    "/my": ALL,
    "/v1/me": ALL,
    "/v1/crops": ALL,
    "/v1/plots": ALL,
    "/v1/recommendations/planting": ALL,
    "/v1/sensors": ALL,
    "/v1/fields": ALL,
    "/v1/harvest": ALL,
    "/v1/harvest/plan": READERS,
    "/v1/harvest/serves": READERS,
    "/v1/harvest/shortfalls": READERS,
    "/v1/recommendations/harvest": ALL,
    "/v1/exports": READERS,
    "/v1/exports/planting": ALL,
    "/v1/exports/plots": ALL,
    "/v1/exports/tasks": ALL,
    "/v1/exports/calendar": ALL,
}
"""Path and all below it → who may GET; the longest path counts."""

CHANGES: Mapping[str, frozenset[Role] | Anyone] = {
    "": ADMINS,
    "/login": ANYONE,
    "/logout": ALL,
    "/my": HARVESTERS,
    "/v1/what-if": READERS,
    "/v1/decisions": PLANNERS,
    "/v1/overrides": PLANNERS,
    "/v1/plans": PLANNERS,
    "/v1/planting": PLANNERS,
    "/v1/scenarios": PLANNERS,
    "/v1/commitments": PLANNERS,
    "/v1/standards": PLANNERS,
    "/v1/harvest": HARVESTERS,
    "/v1/imports": PLANNERS,
    "/v1/intake": STEWARDS,
    "/demand": PLANNERS,
    "/planting": PLANNERS,
    "/harvest": PLANNERS,
    "/grades": PLANNERS,
    "/bestsellers": PLANNERS,
    "/runs": STEWARDS,
}
"""Path and all below it → who may POST, PUT, PATCH or DELETE."""


@dataclass(frozen=True)
class Who:
    """Who asks. `plots` None: all of them; else the only ones this farm member may see and report on."""

    id: str
    name: str
    role: Role
    kind: Literal["open", "key", "user", "nobody"]
    plots: frozenset[str] | None = None

    @property
    def is_person(self) -> bool:
        """Whether a log-in vouches for the name."""
        return self.kind == "user"


OWN_MACHINE = Who("local", "", Role.ADMIN, "open")
"""Everyone, as long as no key and no user was ever made."""
NOBODY = Who("", "", Role.VIEWER, "nobody")


def allowed(method: str, path: str) -> frozenset[Role] | Anyone:
    """The roles that may ask for a path."""
    table = CHANGES if method in WRITES else READS
    while path and path not in table:
        path = path.rpartition("/")[0]
    return table[path]


def may(who: Who, method: str, path: str) -> bool:
    """Whether this one may ask for this path."""
    roles = allowed(method, path)
    return roles == ANYONE or (who.kind != "nobody" and who.role in roles)
