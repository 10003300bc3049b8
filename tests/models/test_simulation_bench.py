"""The county's own benchmark says what holds, in the form of every benchmark."""

from benchmarks.county import run


def test_the_county_bench_gives_rows_and_limits_that_hold() -> None:
    found = run("tiny", seed=1, plays=1)
    must = found["must"]
    assert isinstance(must, list)
    assert must
    assert all(set(m) == {"what", "value", "limit", "holds"} for m in must)
    assert all(m["holds"] for m in must)
    rows = found["rows"]
    assert isinstance(rows, list)
    assert {r["method"] for r in rows} >= {"seasonal_naive", "oracle", "cut when ripe", "cut to order"}
