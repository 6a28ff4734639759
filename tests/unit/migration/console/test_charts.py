"""Charts say in words and rows what their lines show."""

from datetime import UTC, datetime, timedelta

from caravan.migration.console.charts import HEIGHT, WIDTH, charts_of
from caravan.migration.console.traffic_series import Piece, SidePiece

START = datetime(2026, 11, 21, 8, tzinfo=UTC)


def pieces(count: int = 12) -> list[Piece]:
    made = [Piece(START + timedelta(seconds=10 * number)) for number in range(count)]
    for number, piece in enumerate(made):
        piece.old = SidePiece(requests=100)
        piece.new = SidePiece(requests=number * 10)
        piece.old.served.take(0.5)
    return made


def test_lines_stay_in_their_box_and_share_one_scale() -> None:
    traffic = charts_of(pieces())[0]
    old, new = traffic.lines
    assert (old.last, new.last, traffic.most) == ("10.0/s", "11.0/s", "11.0/s")
    points = [point for line in (old, new) for path in line.paths for point in path[1:].split(" L")]
    places = [tuple(map(float, point.split())) for point in points]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_words_say_both_sides_and_that_one_was_not_measured() -> None:
    p95 = next(chart for chart in charts_of(pieces()) if chart.name == "p95")
    assert p95.said.startswith("old side: now 50")
    assert p95.said.endswith("new side: nothing measured")


def test_a_gap_breaks_the_line_and_a_lone_value_is_a_dot() -> None:
    made = pieces(6)
    for number in (0, 1, 3, 5):
        made[number].judged, made[number].differing = 10, 1
    (line,) = charts_of(made)[1].lines
    assert (len(line.paths), len(line.dots)) == (1, 2)


def test_the_table_has_a_row_for_each_minute_the_newest_first() -> None:
    rows = charts_of(pieces())[0].rows
    assert [at.second for at, _ in rows] == [50, 50]
    assert rows[0][0] > rows[1][0]


def test_without_any_traffic_nothing_is_drawn_wrongly() -> None:
    for chart in charts_of([Piece(START)]):
        assert "nan" not in chart.said
