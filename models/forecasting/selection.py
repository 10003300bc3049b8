"""Take on, keep or drop: from what a product may earn to a first quantity, what it puts at stake, and by when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from models.forecasting.newsvendor import FirstQuantity, first_quantity

Answer = Literal["take_on", "keep", "drop"]


@dataclass(frozen=True)
class Offer:
    """A product to decide about; money per pack."""

    question: Literal["launch", "listing"]
    price_yuan: float
    cost_yuan: float
    salvage_yuan: float
    pack_kg: float
    crop_id: str | None = None
    crop_kg_per_pack: float | None = None
    yield_kg_per_mu: float | None = None
    """Of its crop; null with the crop: it is bought in packs."""
    growing_days: int | None = None
    """From sowing to the first harvest; null: not grown for it."""
    blocked: tuple[str, str] | None = None
    """What climate or land forbids (zh, en)."""


@dataclass(frozen=True)
class Selection:
    """A decision about one offer."""

    answer: Answer
    first: FirstQuantity
    """In packs."""
    commit_kind: Literal["mu", "packs"]
    commit_quantity: float
    commit_by: date
    text_zh: str
    text_en: str


def select(
    worth_yuan: Sequence[float] | npt.NDArray[np.float64],
    levels: Sequence[float],
    offer: Offer,
    *,
    cutoff: date,
    window_from: date,
    probability: float | None,
    base_rate: float,
) -> Selection:
    """Decide about one offer.

    Args:
        worth_yuan: Quantiles of what it will earn in the window (yuan of sales) at `levels`.
        levels: Ascending, in (0, 1).
        offer: Prices, pack, crop.
        cutoff: Last known day.
        window_from: First day of the window.
        probability: Of being a bestseller; None: not known.
        base_rate: Share of bestsellers.

    Returns:
        'drop' when climate or land forbid it, or when no quantity has a margin above 0; else 'take_on' for a listing and
        'keep' for a launch, with the newsvendor's first quantity. A crop is committed in mu when its growing days still
        fit before the window, else packs are; `commit_by` is the last day for that, never before the cutoff.
    """
    packs = np.asarray(worth_yuan, dtype=float) / offer.price_yuan
    salvage = min(offer.salvage_yuan, 0.999 * offer.cost_yuan)
    first = first_quantity(
        packs, levels, price_yuan=offer.price_yuan, cost_yuan=offer.cost_yuan, salvage_yuan=salvage
    )
    dropped = offer.blocked is not None or first.units <= 0 or first.expected_margin_yuan <= 0
    if dropped:
        first = FirstQuantity(0.0, first.service_share, 0.0, 0.0, 0.0, 0.0)
    kept: Answer = "take_on" if offer.question == "listing" else "keep"
    kind, quantity, by = _commitment(offer, first.units, cutoff, window_from)
    zh, en = _wording(offer, first, dropped, probability, base_rate)
    return Selection("drop" if dropped else kept, first, kind, quantity, by, zh, en)


def _commitment(
    offer: Offer, packs: float, cutoff: date, window_from: date
) -> tuple[Literal["mu", "packs"], float, date]:
    if offer.yield_kg_per_mu and offer.crop_kg_per_pack and offer.growing_days is not None:
        sow_by = window_from - timedelta(days=offer.growing_days)
        if sow_by >= cutoff:
            return "mu", packs * offer.crop_kg_per_pack / offer.yield_kg_per_mu, sow_by
    return "packs", packs, max(cutoff, window_from)


def _wording(
    offer: Offer, first: FirstQuantity, dropped: bool, probability: float | None, base_rate: float
) -> tuple[str, str]:
    if offer.blocked is not None:
        return f"不上：{offer.blocked[0]}", f"drop: {offer.blocked[1]}"
    if dropped:
        return (
            f"不上：每份售价 {offer.price_yuan:.2f} 元，成本 {offer.cost_yuan:.2f} 元，备多少货都不赚钱",
            f"drop: at {offer.price_yuan:.2f} yuan a pack and a cost of {offer.cost_yuan:.2f} no quantity earns money",
        )
    chance_zh = "" if probability is None else f"成为爆款的把握 {probability:.0%}（平均 {base_rate:.0%}）；"
    chance_en = (
        ""
        if probability is None
        else f"chance of a bestseller {probability:.0%} (base rate {base_rate:.0%}); "
    )
    return (
        f"{chance_zh}首批 {first.units:.0f} 份，预计赚 {first.expected_margin_yuan:.0f} 元，"
        f"剩 {first.expected_leftover:.0f} 份，最多亏 {first.yuan_at_risk:.0f} 元",
        f"{chance_en}first quantity {first.units:.0f} packs: expected margin {first.expected_margin_yuan:.0f} yuan, "
        f"{first.expected_leftover:.0f} packs left over, {first.yuan_at_risk:.0f} yuan at risk",
    )
