from pathlib import Path

import pytest

from benchmarks.figures import Figure, medians, put, table, write
from benchmarks.newsletter import against


def test_medians_keep_the_order_and_all_values() -> None:
    runs = [[Figure("a", "rate", rate, "/s"), Figure("a", "time", 1.0, "s")] for rate in (30.0, 10.0, 20.0)]
    assert [(one.name, one.value, values) for one, values in medians(runs)] == [
        ("rate", 20.0, [30.0, 10.0, 20.0]),
        ("time", 1.0, [1.0, 1.0, 1.0]),
    ]


def test_a_table_of_one_run_has_no_column_of_runs() -> None:
    lines = table([[Figure("web", "single", 1234.5, "/s", "≥ 600", "16 connections")]]).splitlines()
    assert lines[0] == "| part | figure | value | to reach | note |"
    assert lines[2] == "| web | single | 1,234 /s | ≥ 600 | 16 connections |"


def test_figures_are_written_between_the_marks_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(
        "before\n<!-- figures: written by the run itself -->\nold\n<!-- end of figures -->\nafter\n"
    )
    for value in (1.0, 2.0):
        write(path, [[Figure("part", "figure", value, "s")]], ["fsync=on"])
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "1.00 s" not in text
    assert "2.00 s" in text
    assert "fsync=on" in text


def test_a_file_without_the_marks_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("nothing here\n")
    with pytest.raises(ValueError, match="no place for chaos"):
        put(path, "chaos", "table")
    assert path.read_text() == "nothing here\n"


def test_newsletters_are_held_against_the_other_ways_of_the_same_run() -> None:
    found = [
        Figure("naive", "newsletter, SimpleWorker", 50.0, "recipients/s"),
        Figure("newsletter", "1,000: time", 1.0, "s"),
        Figure("newsletter", "1,000: rate", 20_000.0, "recipients/s"),
    ]
    (one,) = against("naive", "≥ 300", found)
    assert one.name == "1,000: rate against naive, newsletter, SimpleWorker"
    assert (one.value, one.unit) == (400.0, "×")
    assert against("floor", "", found) == []
