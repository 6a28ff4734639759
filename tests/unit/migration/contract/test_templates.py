"""Path templates are learnt from evidence, whatever the order of samples."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.contract.templates import Router, TemplateLearner, score, segment_kind
from caravan.migration.exchange import Exchange
from tests.unit.migration.contract.traffic import asked, deduper, shop

DEDUPER = (
    "GET /", "GET /deduper/jobs", "GET /deduper/jobs/reportId/{r}", "GET /deduper/jobs/list", "GET /deduper/jobs/{j}",
    "POST /deduper/jobs/{j}/cancel", "GET /deduper/health", "DELETE /deduper/clear-db-table",
)  # fmt: skip
SHOP = (
    "GET /api/v2/orders", "GET /api/v2/customers", "GET /api/v2/invoices", "GET /api/v2/orders/{o}",
    "GET /api/v2/orders/{o}/lines/{l}", "GET /shop/{slug}", "GET /shop/search", "GET /pages/{p}",
)  # fmt: skip


def learnt(exchanges: Iterable[Exchange], *declared: str) -> list[str]:
    learner = TemplateLearner(declared)
    for exchange in exchanges:
        learner.add(exchange)
    return [f"{method} {route.template}" for route in learner.routes() for method in route.methods]


def paths(*targets: str) -> list[str]:
    return learnt(asked(target, {"a": 1}) for target in targets)


def test_a_service_whose_every_id_is_unknown_is_learnt_whole() -> None:
    met = score(learnt(deduper()), DEDUPER)
    assert (met.precision, met.recall) == (1, 1), met


def test_slugs_codes_and_uuids_are_values_and_sister_resources_are_not() -> None:
    met = score(learnt(shop()), SHOP)
    assert (met.precision, met.recall) == (1, 1), met


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_samples_does_not_matter(chance: random.Random) -> None:
    traffic = [*deduper(), *shop()]
    shuffled = list(traffic)
    chance.shuffle(shuffled)
    assert learnt(shuffled) == learnt(traffic)


@pytest.mark.parametrize(
    ("segment", "kind"),
    [
        ("17", "integer"), ("-3", "integer"), ("12345678901234567890", "integer"), ("007", "integer"),
        ("2b0ce2ff-6d76-4a6d-a5b2-0b6f6b2f3d11", "uuid"), ("65a000000000000000000001", "objectid"),
        ("d41d8cd98f00b204e9800998ecf8427e", "hash"), ("2026-01-02", "date"), ("a%40b.example", "email"),
        ("dQw4w9WgXcQ8aB3xZ1", "token"), ("~secret.0123456789ab~", "token"),
        ("orders", None), ("clear-db-table", None), ("v2", None), ("index.html", None), ("", None),
        ("internationalization", None), ("2026-01-02-the-year-begins", None),
    ],
)  # fmt: skip
def test_segments_have_types(segment: str, kind: str | None) -> None:
    assert segment_kind(segment) == kind


def test_one_id_is_enough_for_a_typed_value() -> None:
    assert paths("/orders/17") == ["GET /orders/{order_id}"]


def test_values_below_values_are_found_whatever_they_are_called() -> None:
    issue = {"number": 1, "title": "x", "state": "open", "body": "y"}
    traffic = [
        asked(f"/repos/{owner}/{repository}/issues/{number}", issue)
        for number, (owner, repository) in enumerate(
            [("ada", "engine"), ("bob", "bridge"), ("cyd", "castle"), ("dan", "dam"), ("ada", "loom")]
        )
    ]
    assert learnt(traffic) == ["GET /repos/{repo_id}/{id}/issues/{issue_id}"]


def test_files_with_numbers_in_their_names_are_values() -> None:
    pages = [asked(f"/files/invoice-2026-{n:02}.pdf", b"%PDF", kind="application/pdf") for n in range(1, 4)]
    assert learnt(pages) == ["GET /files/{file_id}"]


def test_versions_are_never_values_however_alike_they_are() -> None:
    traffic = [asked(f"/v{n}/orders/1", {"id": 1, "total": 2, "state": "x"}) for n in range(1, 7)]
    assert len(learnt(traffic)) == 6


def test_the_same_lists_of_two_services_stay_apart() -> None:
    row = {"items": [{"id": 1, "number": "x", "total": 2}], "total": 1}
    assert learnt([asked("/rps/orders", row), asked("/billing/orders", row)]) == [
        "GET /billing/orders",
        "GET /rps/orders",
    ]


def test_a_version_is_no_value() -> None:
    assert paths("/api/2/x", "/api/3/x") == ["GET /api/2/x", "GET /api/3/x"]


def test_words_between_the_same_typed_neighbours_stay() -> None:
    assert paths("/orders/17/items", "/orders/18/notes", "/orders/19") == [
        "GET /orders/{order_id}", "GET /orders/{order_id}/items", "GET /orders/{order_id}/notes",
    ]  # fmt: skip


def test_a_word_answered_like_the_typed_values_is_one_of_them() -> None:
    row = {"id": 1, "name": "x", "email": "y"}
    assert learnt([asked("/users/1", row), asked("/users/ada", row), asked("/users/all", [row])]) == [
        "GET /users/all", "GET /users/{user_id}",
    ]  # fmt: skip


def test_parameters_are_named_after_what_is_before_them() -> None:
    assert paths("/categories/1/boxes/2/3/4") == ["GET /categories/{category_id}/boxes/{box_id}/{id}/{id_2}"]
    assert paths("/reportId/1") == ["GET /reportId/{reportid}"]


def test_what_only_ever_was_not_found_is_no_route() -> None:
    lost = [
        asked(f"/{word}", {"detail": "Not Found"}, status=404) for word in ("admin", "x/1", "y/2", ".env")
    ]
    assert learnt([*lost, asked("/health", {})]) == ["GET /health"]


def test_declared_templates_win_and_are_not_learnt_again() -> None:
    assert learnt([asked("/a/b", {}), asked("/a/c", {}), asked("/d/1", {})], "/a/{anything}") == [
        "GET /d/{d_id}"
    ]


def test_a_slash_at_the_end_is_another_path() -> None:
    assert paths("/a/1", "/a/1/") == ["GET /a/{a_id}", "GET /a/{a_id}/"]


def test_the_router_takes_static_first_and_goes_back() -> None:
    router = Router(["/jobs/{id}", "/jobs/list", "/jobs/{id}/cancel", "/{any}/list/x"])
    told = {
        path: router.match(path)
        for path in ("/jobs/list", "/jobs/7", "/jobs/list/cancel", "/jobs/list/x", "/jobs/", "/x")
    }
    assert {path: found and (found.template, found.values) for path, found in told.items()} == {
        "/jobs/list": ("/jobs/list", ()),
        "/jobs/7": ("/jobs/{id}", ("7",)),
        "/jobs/list/cancel": ("/jobs/{id}/cancel", ("list",)),
        "/jobs/list/x": ("/{any}/list/x", ("jobs",)),
        "/jobs/": None,
        "/x": None,
    }


def test_the_score_tells_what_is_missing_and_what_is_too_much() -> None:
    told = score(["/a/{x}", "/b"], ["/a/{y}", "/c", "/d"])
    assert (told.precision, told.recall) == (0.5, 1 / 3)
    assert (told.missing, told.extra) == (("/c", "/d"), ("/b",))
