"""Which ids a CSV file gives, however untidy it is."""

from pathlib import Path

import pytest

from examples.legacy.deduper.src.article_duplicates.new_articles import ids_of_csv


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("3\n1\n3\n2\n", [3, 1, 2]),
        ("articleId\n5\n6\n", [5, 6]),
        ("title;ID\na;7\nb;\nc;x\nd;8\n", [7, 8]),
        ("title\tarticle_id\na\t9\n", [9]),
        ("a|b\n4|5\n", [4]),
        ('id,title\n1,"a, b"\n\n2,c\n', [1, 2]),
        ("\ufeffid\n1\n", [1]),
        ("", []),
        ("articleId\n", []),
    ],
)
def test_ids_come_once_each_in_the_files_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, ids: list[int]
) -> None:
    file = tmp_path / "new.csv"
    file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("PATH_TO_CSV", str(file))
    assert ids_of_csv() == ids


def test_a_file_that_is_not_there_gives_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH_TO_CSV", str(tmp_path / "gone.csv"))
    assert ids_of_csv() == []
    monkeypatch.delenv("PATH_TO_CSV")
    assert ids_of_csv() == []
