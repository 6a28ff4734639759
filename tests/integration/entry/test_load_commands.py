"""`caravan load`, `verify` and `quarantine`: what they print and end with."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.toy.shop import Shop, customers, orders
from tests.integration.entry.conftest import Caravan


def load(caravan: Caravan, shop: Shop, *more: object):
    return caravan("load", shop.file, "--workers", 0, *more)


def count(shop: Shop, table: str) -> int:
    return int(shop.value(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names of these tests


def spoil(shop: Shop) -> None:
    """Make one of five orders have no number for an amount."""
    documents = orders(5, customers=10)
    documents[2]["total"] = "NaN"
    shop.dump("orders", documents)


def test_a_load_reports_to_people_and_as_a_page(caravan: Caravan, shop: Shop, tmp_path: Path) -> None:
    done = load(caravan, shop)
    assert done.code == 0, done.err
    assert "orders" in done.out
    page = tmp_path / "home" / "reports" / "load-toy.html"
    assert f"the report as a page: {page}" in done.err
    assert "<html" in page.read_text()
    assert count(shop, "toy_orders") == 80


def test_with_json_standard_output_is_the_report_alone(caravan: Caravan, shop: Shop, tmp_path: Path) -> None:
    page = tmp_path / "elsewhere" / "report.html"
    done = load(caravan, shop, "--json", "--page", page)
    report = json.loads(done.out)
    assert (done.code, report["data_sets"]["orders"]["loaded"], report["findings"]) == (0, 80, [])
    assert page.exists()
    again = json.loads(load(caravan, shop, "--json").out)
    assert (again["data_sets"]["orders"]["loaded"], again["data_sets"]["orders"]["unchanged"]) == (0, 80)
    assert again["checksums"] == report["checksums"]


def test_a_dry_run_writes_nothing_and_keeps_the_page_of_the_load(
    caravan: Caravan, shop: Shop, tmp_path: Path
) -> None:
    done = load(caravan, shop, "--dry-run", "--json")
    assert (done.code, json.loads(done.out)["dry_run"]) == (0, True)
    assert count(shop, "toy_orders") == count(shop, "engine.load_runs") == count(shop, "engine.ledger") == 0
    assert [page.name for page in (tmp_path / "home" / "reports").iterdir()] == ["dry-run-toy.html"]


def test_a_limit_and_another_source_are_taken(caravan: Caravan, shop: Shop, tmp_path: Path) -> None:
    assert load(caravan, shop, "--limit", 3).code == 0
    assert (count(shop, "toy_customers"), count(shop, "toy_orders")) == (3, 3)
    other = Shop(shop.database, tmp_path / "other")
    other.dump("customers", customers(10))
    other.dump("orders", orders(5, customers=10))
    done = load(caravan, shop, "--source", tmp_path / "other" / "dump", "--json")
    assert json.loads(done.out)["data_sets"]["orders"]["read"] == 5


def _unknown_key(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text() + "[surprise]\nkey = 1\n")


def _bad_toml(shop: Shop) -> None:
    shop.file.write_text("[migration\n")


def _unknown_mapping(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text().replace("mapping:order", "mapping:odour"))


def _no_source(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text().replace('"dump"', '"nowhere"'))


def _no_file(shop: Shop) -> None:
    shop.file.unlink()


def _odd_org(shop: Shop) -> None:
    shop.file.write_text(shop.file.read_text().replace('"toy-shop"', '"Toy Shop"'))


def _circle(shop: Shop) -> None:
    shop.describe(orders_first=True)
    text = shop.file.read_text().replace("Toy Shop", "toy-shop")
    shop.file.write_text(text + 'after = ["customers"]\n')


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        (_unknown_key, "surprise"),
        (_bad_toml, "this is not TOML"),
        (_unknown_mapping, "odour"),
        (_no_source, "nowhere"),
        (_no_file, "migration.toml"),
        (_odd_org, "Toy Shop"),
        (_circle, "after"),
    ],
)
def test_wrong_use_ends_with_2_and_names_what_is_wrong(
    caravan: Caravan, shop: Shop, spoilt: Callable[[Shop], None], named: str
) -> None:
    spoilt(shop)
    done = load(caravan, shop, "--json")
    assert (done.code, done.out) == (2, "")
    assert named in done.err
    assert "what to do:" in done.err


@pytest.mark.parametrize("arguments", [["--limit", "0"], ["--limit", "many"], ["--wrong"], []])
def test_wrong_options_end_with_2(caravan: Caravan, shop: Shop, arguments: list[str]) -> None:
    done = caravan("load", *([shop.file, *arguments] if arguments else ["run"]))
    assert done.code == 2


def test_quarantine_without_a_waiver_ends_with_3_and_can_be_looked_into(caravan: Caravan, shop: Shop) -> None:
    spoil(shop)
    assert load(caravan, shop).code == 3
    listed = caravan("quarantine", "list")
    assert (listed.code, "amount.not_a_number" in listed.out) == (0, True)
    entry = listed.out.split()[0]
    shown = caravan("quarantine", "show", entry)
    assert json.loads(shown.out)["total"] == "NaN"
    opened = shop.rows(
        "SELECT principal, entity_id, after->>'through' FROM audit_entries WHERE action = 'quarantine.original_opened'"
    )
    assert opened == [("service", entry, "command line")]
    assert caravan("quarantine", "list", "--migration", "another").out == ""
    assert "1 originals purged" in caravan("quarantine", "purge", "--days", 0).out
    gone = caravan("quarantine", "show", entry)
    assert (gone.code, "were purged" in gone.err) == (1, True)
    assert caravan("quarantine", "show", "00000000-0000-0000-0000-000000000000").code == 1


def test_a_cut_source_ends_with_4_and_goes_on_when_it_is_whole(caravan: Caravan, shop: Shop) -> None:
    file = shop.folder / "dump" / "shop" / "orders.bson"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    done = load(caravan, shop)
    assert done.code == 4
    assert "source_damaged" in done.out
    file.write_bytes(whole)
    assert load(caravan, shop).code == 0
    assert count(shop, "toy_orders") == 80


def test_an_interrupt_between_two_steps_ends_with_4(
    caravan: Caravan, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("caravan.entry.commands.load.migrate", interrupt)
    done = load(caravan, shop)
    assert (done.code, "can be resumed" in done.err) == (4, True)


def test_verify_finds_a_changed_row_to_the_field(caravan: Caravan, shop: Shop) -> None:
    load(caravan, shop)
    equal = caravan("verify", shop.file)
    assert equal.code == 0, equal.out
    shop.rows("UPDATE toy_orders SET total = 1 WHERE number = 'N7'")
    done = caravan("verify", shop.file)
    assert done.code == 4
    assert re.search(r"toy_orders.*total.*7\.25", done.out, re.DOTALL), done.out
    report = json.loads(caravan("verify", shop.file, "--json").out)
    assert [(item["table"], item["column"]) for item in report["differences"]] == [("toy_orders", "total")]
    assert caravan("verify", shop.folder / "none.toml").code == 2


def test_undo_takes_out_what_was_brought_and_refuses_what_was_changed(caravan: Caravan, shop: Shop) -> None:
    assert "nothing to undo" in caravan("load", "undo", shop.file).out
    load(caravan, shop)
    shop.rows("UPDATE toy_orders SET total = 1 WHERE number = 'N7'")
    refused = caravan("load", "undo", shop.file)
    assert (refused.code, "undo_refused" in refused.err) == (1, True)
    assert count(shop, "toy_orders") == 80
    shop.rows("UPDATE toy_orders SET total = 7.25 WHERE number = 'N7'")
    done = caravan("load", "undo", shop.file)
    assert (done.code, "toy_orders" in done.out, "undone" in done.out) == (0, True, True)
    assert count(shop, "toy_orders") == count(shop, "toy_customers") == 0


def test_help_tells_the_word_that_may_be_left_out(caravan: Caravan) -> None:
    done = caravan("load", "--help")
    assert done.code == 0
    assert "FILE" in done.out
    assert "undo" in done.out
    assert "--dry-run" in caravan("load", "run", "--help").out
