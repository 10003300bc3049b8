"""What is chosen about a fit of daily demand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DemandParams:
    """Everything chosen about a fit; two equal ones on equal rows give equal models."""

    train_days: int = 500
    """Target days to learn from."""
    max_rows: int = 120_000
    trees: int = 150
    leaves: int = 15
    learning_rate: float = 0.05
    tweedie_power: float = 1.2
    level_weight: float = 0.5
    """Rows weigh level_kg to this power: 1 would follow the large series alone, 0 all alike."""
    least_leaf_rows: int = 100
    feature_share: float = 0.6
    row_share: float = 0.7
    category_smoothing: float = 50.0
    """How many rows' worth a product's or shop's own effect is drawn to none."""
    recovered_weight: float = 1.0
    """What a day counts of which a hidden part was recovered; a day of which nothing was hidden counts 1."""
    least_history_days: int = 28
    """Origins with less history of their series teach nothing."""
    held_out_days: int = 28
    """Last days kept from the mean while the spread is learnt from them."""
    held_out_rows: int = 200_000
    """At most so many rows of them."""
    usual_share: float = 0.0
    """How far trees of the usual day (absolute error) count beside those of the mean: 0 leaves them out, 1 takes them alone."""
