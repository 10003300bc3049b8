import polars as pl

from features.listings import PRODUCT, SELLER, listing_features, unique_listings


def shop() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "product_id": ["a", "b", "c", "d", "a"], "title": ["Red dress", "Red dress", "Blue hat", "Hat", "Red dress"],
            "price": [10.0, 20.0, 5.0, 8.0, 11.0], "list_price": [20.0, None, 5.0, 16.0, 20.0], "seller_id": ["s", "s", "t", "t", "s"],
            "seller_reviews": [100.0, 100.0, 5.0, 5.0, 100.0], "seller_rating": [4.5, 4.5, 3.0, 3.0, 4.5],
            "rating": [4.0, 5.0, 0.0, 4.2, 4.0], "reviews": [10.0, 1.0, 0.0, 4.0, 11.0],
        }
    )  # fmt: skip


def test_repeated_ids_are_left_out_the_last_stays_and_both_rules_count() -> None:
    once, counts = unique_listings(shop())
    assert once["price"].to_list() == [20.0, 5.0, 8.0, 11.0]
    assert counts["repeated ids left out"] == 1
    assert counts["another id with title and seller of an earlier one (kept)"] == 1


def test_features_are_places_within_the_file_so_that_currencies_do_not_matter() -> None:
    once, _ = unique_listings(shop())
    dear = once.with_columns(pl.col("price", "list_price") * 25_000)
    columns = [*PRODUCT, *SELLER, "price_share"]
    assert listing_features(once).select(columns).equals(listing_features(dear).select(columns))
    assert listing_features(once)["price_share"].to_list() == [0.875, 0.125, 0.375, 0.625]


def test_a_product_nobody_rated_has_no_distance_and_the_middle_rating_the_smallest() -> None:
    once, _ = unique_listings(shop())
    found = dict(listing_features(once).select("product_id", "rating_distance").iter_rows())
    assert found["c"] is None
    assert found["d"] < found["a"] < found["b"]
