from pipelines.progress import listening, report


def test_reports_reach_the_listener_only_inside_its_block() -> None:
    heard: list[tuple[str, float, float, str]] = []
    with listening(lambda step, done, total, note: heard.append((step, done, total, note))):
        report("plan", 1, 2, "half")
    report("plan", 2, 2)
    assert heard == [("plan", 1, 2, "half")]
