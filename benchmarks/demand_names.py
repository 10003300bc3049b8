"""Names and numbers that our side and the peers' side of `anxu bench demand` share."""

OURS, DEMAND = "anxu", "anxu_demand"
"""What sells in stock, and what is wanted."""
TWEEDIE, MAE, STRONG, DECILE, PLAIN, STATISTICAL = (
    "tweedie",
    "mae",
    "strong",
    "decile",
    "plain",
    "statistical",
)
"""Jobs of others; the last two make several columns."""
DECILES = tuple(level / 10 for level in range(1, 10))
STATISTICS = ("AutoETS", "AutoCES", "DOT")
MEDIAN = "median"
STRONG_WEIGHT = 0.01
"""What a day with a stock-out weighs for the strong peer."""
