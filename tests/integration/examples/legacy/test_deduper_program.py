"""The deduper program finds what was planted, and ends as the queue expects it to."""

import hashlib
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fixtures.deduper_program import Articles, generated

ALIKE = ("same_id", "same_text", "same_url_and_text", "no_text")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    return generated(tmp_path_factory.mktemp("many"), approved=1000, reports=2)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Articles:
    return generated(tmp_path_factory.mktemp("few"), approved=100)


@pytest.fixture
def articles(few: Articles, tmp_path: Path) -> Articles:
    """Few articles, in a database of the test's own."""
    return Articles(Path(shutil.copytree(few.folder, tmp_path / "articles")))


def test_the_same_options_give_the_same_articles(few: Articles, tmp_path: Path) -> None:
    folders = [few.folder, generated(tmp_path, approved=100).folder]
    for file in ("articles.db", "truth.json", "new-articles.csv"):
        digests = {hashlib.sha256((folder / file).read_bytes()).digest() for folder in folders}
        assert len(digests) == 1, file


@pytest.mark.parametrize("report", [1, 2])
def test_analyze_finds_exactly_what_was_planted(many: Articles, report: int) -> None:
    done = many.run("analyze", "--report-id", str(report))
    assert (done.returncode, done.stdout) == (0, "")
    truth = many.truth
    new = truth["reports"][str(report)]["new"]
    assert many.pairs() == sorted((one, other) for one in new for other in truth["approved"])
    assert many.ask("SELECT DISTINCT reportId FROM ArticleDuplicateAnalyses") == [(report,)]
    assert many.pairs("sameArticleIdFlag = 1") == many.planted(report, "same_id")
    assert many.pairs("urlCheck = 1") == many.planted(
        report, "same_id", "same_url", "same_url_and_text", "no_url"
    )
    assert set(many.pairs("contentHash = 1")) >= set(many.planted(report, *ALIKE))  # a near one may reach it
    assert many.pairs("contentHash > 0.85") == many.planted(report, *ALIKE, "near_text")
    assert many.pairs("embeddingSearch > 0.8") == many.planted(report, *ALIKE, "near_text")


def test_states_are_written_beside_each_pair_and_two_missing_ones_are_the_same(many: Articles) -> None:
    many.run("analyze_fast", "--report-id", "1")
    states = many.truth["states"]
    written = many.ask(
        "SELECT articleIdNew, articleIdApproved, articleNewState, articleApprovedState, sameStateFlag"
        " FROM ArticleDuplicateAnalyses"
    )
    assert any(row[2:] == ("", "", 1) for row in written) or "" not in {row[2] for row in written}
    for new, approved, *told in written:
        one, other = states[str(new)], states[str(approved)]
        assert told == [one, other, int(one == other)]


def test_two_runs_write_the_same_scores(articles: Articles) -> None:
    tables = []
    for _ in range(2):
        articles.run("analyze", "--report-id", "1")
        tables.append(
            articles.ask(
                "SELECT articleIdNew, articleIdApproved, contentHash, embeddingSearch"
                " FROM ArticleDuplicateAnalyses ORDER BY id"
            )
        )
    assert tables[0] == tables[1] != []


def test_analyze_fast_leaves_the_content_hash_out_and_stages_can_be_run_alone(articles: Articles) -> None:
    articles.run("analyze_fast", "--report-id", "1")
    assert articles.pairs("contentHash <> 0") == []
    assert articles.run("content_hash").returncode == 0
    assert articles.pairs("contentHash = 1") == articles.planted(1, *ALIKE)
    for command in ("states", "url_check", "embedding"):
        assert articles.run(command).returncode == 0


def test_load_replaces_the_pairs_of_its_articles_and_keeps_the_others(articles: Articles) -> None:
    articles.ask("INSERT INTO ArticleDuplicateAnalyses VALUES (900, 1, 2, 5, 0, '', '', 0, 0, 0, 0, '', '')")
    for _ in range(2):
        assert articles.run("load", "--report-id", "1").returncode == 0
    assert len(articles.pairs()) == 20 * 100 + 1
    assert articles.pairs("id = 900 AND reportId = 5") == [(1, 2)]
    articles.run("analyze_fast", "--report-id", "1")
    assert articles.pairs("id = 900 AND reportId = 5") == []


def test_without_a_report_the_ids_come_from_the_csv_file(articles: Articles) -> None:
    done = articles.run("analyze_fast", PATH_TO_CSV=str(articles.folder / "new-articles.csv"))
    assert "row 22 of the CSV file has no article id" in done.stderr
    assert len(articles.pairs("reportId IS NULL")) == 20 * 100
    assert articles.pairs("urlCheck = 1") == articles.planted(
        1, "same_id", "same_url", "same_url_and_text", "no_url"
    )


def test_progress_is_told_for_each_tenth(articles: Articles) -> None:
    done = articles.run("load", "--report-id", "1")
    assert re.findall(r"load: (\d+) %", done.stderr) == [str(tenth) for tenth in range(10, 101, 10)]


def test_clear_table_deletes_all_rows_when_told_to(articles: Articles) -> None:
    articles.run("load", "--report-id", "1")
    for answer in ("n\n", ""):
        assert articles.run("clear_table", told=answer).returncode == 0
        assert len(articles.pairs()) == 2000
    assert articles.run("clear_table", told="y\n").returncode == 0
    assert articles.pairs() == []
    articles.run("load", "--report-id", "1")
    assert articles.run("clear_table", "-y").returncode == 0
    assert articles.pairs() == []


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "told"),
    [
        ([], {}, 1, "usage"),
        (["dance"], {}, 2, "invalid choice"),
        (["load", "--report-id", "x"], {}, 2, "invalid int value"),
        (["states"], {"RUN_ENVIRONMENT": ""}, 1, "RUN_ENVIRONMENT is not set"),
        (["states"], {"RUN_ENVIRONMENT": "staging"}, 1, "RUN_ENVIRONMENT is staging"),
        (["states"], {"PATH_TO_DATABASE": ""}, 1, "PATH_TO_DATABASE is not set"),
        (["states"], {"NAME_DB": ""}, 1, "NAME_DB is not set"),
        (["states"], {"NAME_DB": "gone.db"}, 1, "there is no database at"),
        (["states"], {"RUN_ENVIRONMENT": "production"}, 1, "PATH_TO_LOGS is not set"),
        (["analyze_fast", "--report-id", "99"], {}, 0, "no new articles in report 99"),
        (["load"], {"PATH_TO_CSV": "/gone.csv"}, 0, "No such file"),
        (["states"], {}, 0, "states: done"),
    ],
)
def test_the_exit_code_tells_what_the_queue_shows(
    articles: Articles, arguments: list[str], environment: dict[str, str], code: int, told: str
) -> None:
    done = articles.run(*arguments, **environment)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="the model's library is installed")
def test_without_the_model_the_last_stage_fails_and_the_others_stay(articles: Articles) -> None:
    done = articles.run("analyze_fast", "--report-id", "1", DEDUPER_BUILTIN_EMBEDDING="")
    assert (done.returncode, "sentence-transformers is not installed" in done.stderr) == (1, True)
    assert articles.pairs("urlCheck = 1") != []


def test_what_the_database_refuses_is_logged_and_the_exit_code_stays_0(articles: Articles) -> None:
    articles.ask("DROP TABLE States")
    done = articles.run("analyze_fast", "--report-id", "1")
    assert (done.returncode, "states: the database refused" in done.stderr) == (0, True)
    assert articles.pairs("urlCheck = 1") != []
    articles.ask("DROP TABLE ArticleDuplicateAnalyses")
    assert articles.run("clear_table", "-y").returncode == 1


@pytest.mark.parametrize(
    ("size", "code"), [("10485760", 1), ("much", 1), ("5", 0), ("5 MB", 0), ("05:30", 0), ("", 0)]
)
def test_a_log_file_needs_a_size_with_a_unit_or_an_hour(articles: Articles, size: str, code: int) -> None:
    logs = articles.folder / "logs"
    done = articles.run(
        *("clear_table", "-y"),
        RUN_ENVIRONMENT="production",
        PATH_TO_LOGS=str(logs),
        NAME_APP="Deduper",
        LOG_MAX_SIZE=size,
    )
    assert done.returncode == code
    if code:
        assert f"LOG_MAX_SIZE is {size}" in done.stderr
    else:
        assert done.stderr == ""
        assert "rows deleted" in (logs / "Deduper.log").read_text()
