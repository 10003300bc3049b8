"""Products that the county's shops could take on: the rows of the table candidate_listing."""

from datetime import timedelta

import polars as pl

from models.simulation import parameters as p
from models.simulation.sizes import ENDS_ON, stream
from models.simulation.world import World

OFFERS = (  # assumed
    ("rice", "新米尝鲜装1kg", 1.0, 1.1, 0.45, True),
    ("grape", "阳光葡萄家庭装5kg", 5.0, 0.8, 0.5, True),
    ("tomato", "沙瓤番茄礼盒2kg", 2.0, 1.5, 0.55, True),
    ("edamame", "鲜毛豆真空装1kg", 1.0, 1.2, 0.6, True),
    ("crab", "蟹黄酱200g", 0.2, 1.6, 0.7, False),
    ("honey", "紫云英蜂蜜500g", 0.5, 90.0, 0.6, False),
)
"""Family, title, kg a pack, price per kg as a factor on the family's mean (yuan where it has none), cost as a share of the
price, whether it is grown for it."""
DECIDE_DAYS = 45


def candidate_listing(world: World) -> pl.DataFrame:
    """One row per candidate; prices vary by seed in a stream of their own, so no other number of the county moves."""
    rng = stream(world.seed, "candidates")
    prices: dict[str, list[float]] = {}
    for product in world.market.products:
        prices.setdefault(product.crop_id, []).append(product.price)
    rows = []
    for n, (family, title, pack_kg, price, cost, is_grown) in enumerate(OFFERS, start=1):
        luck = rng.uniform(0.9, 1.1, 2)
        like = prices.get(family)
        per_kg = (sum(like) / len(like) if like else 1.0) * price * luck[0]
        yuan = round(per_kg * pack_kg, 1)
        rows.append(
            {
                "candidate_id": f"candidate-{n}",
                "title": title,
                "family": family,
                "crop_id": family if is_grown and family in {c.crop_id for c in p.CROPS} else None,
                "price_yuan": yuan,
                "cost_yuan": round(yuan * cost * luck[1], 2),
                "salvage_yuan": round(yuan * 0.1, 2),
                "pack_kg": pack_kg,
                "seller": "清禾合作社" if is_grown else "外购",
                "decide_by": ENDS_ON + timedelta(days=DECIDE_DAYS),
            }
        )
    return pl.DataFrame(rows, schema_overrides={"crop_id": pl.String})
