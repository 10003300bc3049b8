"""The what-if form of the demand page: what was typed, and the answer drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from serving.problems import Problem
from serving.published import Release
from serving.reads.forecasts import Wish
from serving.reads.whatif import answer
from serving.reads.whatif_body import body
from serving.schemas_whatif import NodeAsk, WhatIfAsk
from serving.web.charts import FanData, fan
from serving.web.say import UNITS, Say

KINDS = ("price", "campaign", "live")


@dataclass(frozen=True)
class Typed:
    """What the form holds, as typed; '' is nothing."""

    kind: str = ""
    start: str = ""
    end: str = ""
    price: str = ""
    off: str = ""
    """Per cent."""
    cap: str = ""
    """Allotment in the reader's weight unit."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Typed":
        """Read the fields named wi_…; anything else is passed over."""
        typed = {
            name: query.get(f"wi_{name}", "")[:40].strip() for name in ("start", "end", "price", "off", "cap")
        }
        kind = query.get("wi", "")
        return cls(kind if kind in KINDS else "", **typed)

    def node(self, wish: Wish, unit: str) -> dict[str, Any]:
        """The body of a what-if for one node; pydantic looks at what was typed."""
        price = self.price or None
        share = float(self.off) / 100 if self.off else None
        span = {"starts_on": self.start, "ends_on": self.end or self.start}
        keys = {"product_id": wish.first, "channel_id": wish.channel_id, "region_id": wish.region_id}
        asks: dict[str, dict[str, Any]] = {
            "price": {"prices": [{**span, "price_yuan_per_kg": price, "discount_share": share}]},
            "campaign": {"campaigns": [{"action": "add", **span, "discount_share": share}]},
            "live": {"live_slots": [self._slot(price, unit)]},
        }
        return keys | asks[self.kind]

    def _slot(self, price: str | None, unit: str) -> dict[str, Any]:
        cap = float(self.cap) / UNITS[unit] if self.cap else None
        return {"action": "add", "slot_date": self.start, "price_yuan_per_kg": price, "allotment_kg": cap}


def asked(release: Release, say: Say, wish: Wish, typed: Typed, days: tuple[date, date]) -> dict[str, Any]:
    """Values for whatif.html: the form, and the answer or what stands against it once something was asked.

    Args:
        release: The current one.
        say: The reader.
        wish: The product, channel and region the page shows.
        typed: What the form holds.
        days: First and last day that can be changed.
    """
    shown: dict[str, Any] = {"typed": typed, "kinds": KINDS, "first": days[0], "last": days[1]}
    if not typed.kind:
        return {**shown, "trouble": None, "node": None}
    try:
        ask = WhatIfAsk(nodes=[NodeAsk.model_validate(typed.node(wish, say.unit))])
        node = body(release, answer(release, ask))["nodes"][0]
    except Problem as problem:
        return {**shown, "trouble": f"{problem.detail}; {problem.way_out}", "node": None}
    except ValidationError as error:
        told = "; ".join(f"{e['loc'][-1] if e['loc'] else ''}: {e['msg']}" for e in error.errors())
        return {**shown, "trouble": told, "node": None}
    except ValueError as error:
        return {**shown, "trouble": str(error), "node": None}
    return {**shown, "trouble": None, "node": node, "charts": _charts(say, node["days"])}


def _charts(say: Say, days: list[dict[str, Any]]) -> list[Any]:
    """Changed forecast with its band, and thin the baseline; for wide and for narrow screens."""
    scale = UNITS[say.unit]
    levels = list(days[0]["changed_demand_kg"])
    pairs = [(levels[i], levels[-1 - i]) for i in range(len(levels) // 2)]
    texts = [
        f"{say.day(d['forecast_date'])} · {say.t('whatif.changed')} {say.weight(d['changed_expected_kg'])} · "
        f"{say.t('whatif.baseline')} {say.weight(d['expected_kg'])}"
        for d in days
    ]
    data = FanData(
        texts,
        [(i, say.day(d["forecast_date"]).split(" ")[0]) for i, d in enumerate(days) if i % 7 == 0]
        if say.language == "zh"
        else [(i, say.day(d["forecast_date"])) for i, d in enumerate(days) if i % 7 == 0],
        [],
        [d["changed_expected_kg"] * scale for d in days],
        [
            (
                [d["changed_demand_kg"][low] * scale for d in days],
                [d["changed_demand_kg"][high] * scale for d in days],
            )
            for low, high in pairs
        ],
        [d["expected_kg"] * scale for d in days],
    )
    return [
        ("wide", fan(data, width=1080, height=280, max_ticks=8)),
        ("narrow", fan(data, width=370, height=230, max_ticks=4)),
    ]
