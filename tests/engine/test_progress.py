from engine.progress import Report


def test_a_part_of_a_part_is_a_share_of_a_share():
    heard = []
    whole = Report(listener=lambda stage, fraction: heard.append((stage, round(fraction, 6))))
    capture = whole.part("", 0, 0.5)
    capture.part("fit", 0.5, 0.5)(0.5)
    whole.part("preview", 0.5, 0.5)(1.0)
    assert heard == [("fit", 0.375), ("preview", 1.0)]


def test_a_warning_is_said_once_and_reaches_the_whole():
    whole = Report()
    for _ in range(2):
        whole.part("fit", 0, 1).warn("dark")
    assert whole.warnings == ["dark"]
