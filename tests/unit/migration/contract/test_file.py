"""The contract is a file that people review: it says everything, keeps their comments, and can be frozen."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caravan.migration.contract import (
    AnswerShape,
    Contract,
    ContractChanged,
    ContractInvalid,
    ContractMissing,
    Route,
    contract_text,
    ensure_unchanged,
    freeze,
    learn,
    read_contract,
    relearn,
    write_contract,
)
from caravan.migration.contract.schemas import NOTHING, Field, schema_of_text
from tests.unit.migration.contract.schema_strategies import schemas
from tests.unit.migration.contract.traffic import asked, deduper, shop

INTEGER, TEXT = schema_of_text("integer"), schema_of_text("string")


@pytest.fixture
def contract() -> Contract:
    return learn([*deduper(), *shop()], name="both").contract


def test_what_is_written_is_read_back(tmp_path: Path, contract: Contract) -> None:
    file = tmp_path / "contract.toml"
    write_contract(file, contract)
    assert read_contract(file) == contract


_shapes = st.builds(
    AnswerShape,
    types=st.frozensets(st.sampled_from(["application/json", "text/html"])),
    body=st.none() | schemas.filter(lambda schema: schema != NOTHING),
    headers=st.dictionaries(
        st.sampled_from(["allow", "etag"]), st.none() | st.sampled_from(["GET", 'W/"1"', "it's"])
    ),
    cookies=st.frozensets(st.sampled_from(["sid", "theme"])),
)
_routes = st.builds(
    Route,
    method=st.sampled_from(["GET", "POST"]),
    template=st.just("/a/{id}"),
    effect=st.sampled_from(["read", "write"]),
    reviewed=st.booleans(),
    note=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10),
    path=st.builds(lambda schema: {"id": schema}, st.sampled_from([INTEGER, TEXT])),
    query=st.dictionaries(
        st.sampled_from(["q", "a b", "x[y]"]), st.builds(Field, st.just(INTEGER), st.booleans())
    ),
    answers=st.dictionaries(st.sampled_from([200, 404]), _shapes),
)


@given(_routes)
@settings(max_examples=60, deadline=None)
def test_any_contract_survives_its_file(tmp_path_factory: pytest.TempPathFactory, route: Route) -> None:
    file = tmp_path_factory.mktemp("any") / "contract.toml"
    whole = Contract("any").with_routes({route.key: route})
    write_contract(file, whole)
    read = read_contract(file).routes[route.key]
    assert read == replace(route, query=dict(sorted(route.query.items())))


def test_a_field_is_a_line(contract: Contract) -> None:
    text = contract_text(contract)
    table = text[text.index('[routes."GET /deduper/jobs/list".answers.200.body]') :].split("\n\n")[0]
    assert table.splitlines()[1:] == [
        '"$" = "object"',
        'jobs = "array"',
        '"jobs[]" = "object"',
        '"jobs[].createdAt" = "date-time-naive"',
        '"jobs[].jobId" = "integer"',
        '"jobs[].status" = "string"',
    ]


def test_comments_stay_with_their_keys(tmp_path: Path, contract: Contract) -> None:
    file = tmp_path / "contract.toml"
    write_contract(file, contract)
    text = file.read_text().replace(
        '[routes."GET /deduper/jobs"]\neffect = "write"',
        '# Starts a job although it is a GET.\n[routes."GET /deduper/jobs"]  # legacy\n# agreed with ops\neffect = "write"  # "#1"',
    )
    file.write_text(text + "# the end\n")
    write_contract(file, contract)
    assert file.read_text() == text + "# the end\n"
    assert read_contract(file) == contract


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('effect = "read"', 'effect = "maybe"', r"routes\..*effect"),
        ("reviewed = false", "revewed = false", "revewed"),
        ('jobs = "array"', 'jobs = "list"', r"routes\.GET /deduper/jobs/list: jobs: there is no type list"),
        ("version = 1", "version = 9", r"contract\.version"),
        ('job_id = "integer"', 'id = "integer"', "names must be those"),
        ("[contract]", "[contract", "contract.toml"),
        ('routes."GET /deduper/health"', 'routes."/deduper/health"', "named by method"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, contract: Contract, old: str, new: str, said: str) -> None:
    file = tmp_path / "contract.toml"
    assert old in contract_text(contract)
    file.write_text(contract_text(contract).replace(old, new))
    with pytest.raises(ContractInvalid, match=said):
        read_contract(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ContractMissing, match="no such file"):
        read_contract(tmp_path / "none.toml")


def test_a_frozen_contract_that_was_changed_is_refused_and_a_comment_is_no_change(
    tmp_path: Path, contract: Contract
) -> None:
    file = tmp_path / "contract.toml"
    write_contract(file, freeze(contract))
    file.write_text("# looked through\n" + file.read_text())
    ensure_unchanged(read_contract(file))
    file.write_text(file.read_text().replace('"jobs[].jobId" = "integer"', '"jobs[].jobId" = "string"'))
    with pytest.raises(ContractChanged):
        ensure_unchanged(read_contract(file))


def test_learning_the_same_again_changes_nothing(contract: Contract) -> None:
    again, changes = relearn(freeze(contract), contract)
    assert again == freeze(contract)
    assert changes == ()


def test_an_unreviewed_route_is_widened_and_every_change_is_told() -> None:
    before = learn([asked("/a?x=1", {"n": 1, "s": "x"})], name="x").contract
    fresh = learn(
        [asked("/a", {"n": 1.5, "t": True}), asked("/a", {}, status=403), asked("/b", {})], name="x"
    ).contract
    after, changes = relearn(before, fresh)
    assert [str(change) for change in changes] == [
        "GET /a: query x: integer becomes integer, optional",
        "GET /a: 200 n: integer becomes number",
        "GET /a: 200 s: string becomes string, optional",
        "GET /a: 200 t: nothing becomes boolean, optional",
        "GET /a: status 403 is new",
        "GET /b: a new route",
    ]
    assert set(after.routes) == {"GET /a", "GET /b"}
    assert after.routes["GET /a"].answers.keys() == {200, 403}


def test_a_reviewed_route_stays_word_for_word_and_what_was_seen_is_told() -> None:
    first = learn([asked("/a", {"n": 1})], name="x").contract
    reviewed = first.with_routes(
        {
            key: replace(route, reviewed=True, effect="write", note="counts")
            for key, route in first.routes.items()
        }
    )
    after, changes = relearn(reviewed, learn([asked("/a", {"n": "many"})], name="x").contract)
    assert after == reviewed
    assert [(change.what, change.kept) for change in changes] == [
        ("200 n: integer becomes string | integer", True)
    ]


def test_a_route_that_was_not_seen_again_stays_and_is_told() -> None:
    before = learn([asked("/a", {}), asked("/b", {})], name="x").contract
    after, changes = relearn(before, learn([asked("/a", {})], name="x").contract)
    assert after == before
    assert [str(change) for change in changes] == ["GET /b: not seen in this recording"]


def test_an_unreviewed_read_that_turns_out_to_write_becomes_a_write() -> None:
    before = learn([asked("/a", {})], name="x").contract
    after, changes = relearn(before, learn([asked("/a", {}, status=201)], name="x").contract)
    assert after.routes["GET /a"].effect == "write"
    assert changes[0].what == "effect read becomes write"


def test_a_frozen_contract_that_is_widened_is_frozen_no_more() -> None:
    before = freeze(learn([asked("/a", {})], name="x").contract)
    after, _ = relearn(before, learn([asked("/b", {})], name="x").contract)
    assert after.frozen is None
