"""The papers of the RPS migration say who, when and what for every line."""

from datetime import date
from itertools import pairwise

import pytest

from tests.unit.docs.markdown import ROOT, links, section, table, tables

FOLDER = ROOT / "docs/migrations/rps"
REQUIREMENT_IDS = set((ROOT / "tests/fixtures/requirements/ids.txt").read_text(encoding="utf-8").split())
PAPERS = ["inventory", "requirements", "permissions", "etl-plan", "open-questions", "artifacts", "milestones"]
INVENTORIED = {
    "Modules": "module", "Dependencies": "dependency", "Stores": "store", "Contracts": "endpoint",
    "Side effects and flows": "effect", "Integrations": "system",
}  # fmt: skip
TRANSLATED_TABLES = [
    "orders", "order_items", "products", "customers", "addresses", "transactions", "tracking_numbers", "affiliates",
    "promotions",
]  # fmt: skip
OLD_ENDPOINTS = ["/rps/orders", "/rps/orders/{id}", "/rps/customers", "/rps/transactions"]
MODULES = ["orders", "products", "customers", "transactions", "promos", "affiliates", "tracking", "crypto"]
KEYS = {
    "admin", "manage_clients", "manage_projects", "manage_members", "manage_pricing", "view_usage", "ingest", "search",
    "view_client_secrets",
}  # fmt: skip
ORDER_KEYS = {"admin", "manage_projects", "view_usage"}
LEGACY_ROLES = {"portal-manager", "org", "user", "client", "client-admin", "client-user"}
LEVELS = {100, 90, 80, 70, 60, 55, 50, 45, 40, 35, 30, 25, 20, 18, 16, 14, 12, 10, 8, 6, 4, 3, 2}
ORG_STAFF = 70
NEVER = "\N{EN DASH}"


def paper(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def keys_in(cell: str) -> set[str]:
    return {word for word in cell.replace("`", " ").replace(",", " ").split() if word in KEYS}


def inventory(heading: str) -> list[dict[str, str]]:
    rows = [row for rows in tables(section(paper("inventory"), heading)) for row in rows]
    assert rows
    assert next(iter(rows[0])) == INVENTORIED[heading]
    return rows


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_of_the_discovery_is_there(name: str) -> None:
    assert paper(name).startswith("# ")
    adr = (ROOT / "docs/migrations/ADR-001-RPS-to-FastAPI.md").read_text(encoding="utf-8")
    assert f"rps/{name}.md" in links(adr)


@pytest.mark.parametrize("heading", INVENTORIED)
def test_every_inventory_row_has_a_decision_and_a_priority(heading: str) -> None:
    wrong = [
        row
        for row in inventory(heading)
        if (row["decision"], row["when"])
        not in {(d, w) for d in ("migrate", "re-implement") for w in ("must", "later")}
        and (row["decision"], row["when"]) != ("decline", NEVER)
    ]
    assert wrong == []


def test_the_inventory_covers_every_table_and_every_endpoint() -> None:
    stores = [row["store"] for row in inventory("Stores")]
    assert [name for name in TRANSLATED_TABLES if f"`billing_{name}`" not in stores] == []
    endpoints = [row["endpoint"] for row in inventory("Contracts")]
    assert [path for path in OLD_ENDPOINTS if f"`GET {path}`" not in endpoints] == []
    modules = " ".join(row["module"] for row in inventory("Modules"))
    assert [name for name in MODULES if name not in modules] == []


def test_every_open_question_has_an_owner_and_a_due_date() -> None:
    rows = table(paper("open-questions"), "question", "ids", "owner", "due")
    assert rows
    assert [row for row in rows if not row["owner"]] == []
    assert [row for row in rows if date.fromisoformat(row["due"]) < date(2026, 12, 1)] == []


def test_every_answered_question_says_where_the_answer_is() -> None:
    rows = table(paper("open-questions"), "question", "ids", "answer")
    assert rows
    assert [row for row in rows if not links(row["answer"])] == []


@pytest.mark.parametrize("columns", [("question", "ids", "owner", "due"), ("question", "ids", "answer")])
def test_questions_name_requirements_that_exist(columns: tuple[str, ...]) -> None:
    named = {name for row in table(paper("open-questions"), *columns) for name in row["ids"].split(", ")}
    assert named <= REQUIREMENT_IDS


def test_every_artifact_has_an_owner_a_date_and_a_link() -> None:
    rows = table(paper("artifacts"), "artifact", "kind", "owner", "date", "link")
    assert rows
    assert [row for row in rows if not (row["owner"] and row["kind"])] == []
    assert [row for row in rows if date.fromisoformat(row["date"]) < date(2026, 11, 1)] == []
    assert [
        row for row in rows if not all((FOLDER / link).exists() for link in links(row["link"]) or ["none"])
    ] == []


def test_the_permission_table_covers_every_level_role_and_key() -> None:
    text = paper("permissions")
    roles = table(text, "role", "passes", "permission keys")
    levels = table(text, "level", "role", "permission keys")
    assert {row["role"].strip("`") for row in roles} == LEGACY_ROLES
    assert {int(row["level"]) for row in levels} == LEVELS
    assert set().union(*(keys_in(row["permission keys"]) for row in roles)) == KEYS


def test_the_portal_manager_passes_every_guard() -> None:
    (manager,) = [
        row
        for row in table(paper("permissions"), "role", "passes", "permission keys")
        if row["role"] == "`portal-manager`"
    ]
    assert manager["passes"] == "every guard"
    assert keys_in(manager["permission keys"]) == KEYS


def test_no_level_of_the_organisation_below_org_staff_may_read_orders() -> None:
    rows = table(paper("permissions"), "level", "role", "permission keys")
    readers = {row["role"] for row in rows if keys_in(row["permission keys"]) & ORDER_KEYS}
    own = {row["role"] for row in rows if row["role"].startswith("Org") and int(row["level"]) >= ORG_STAFF}
    assert {role for role in readers if not role.startswith("Client")} == own


@pytest.mark.parametrize("path", OLD_ENDPOINTS)
def test_old_endpoints_are_guarded_as_they_were(path: str) -> None:
    rows = table(paper("permissions"), "endpoint", "permission: any of", "smallest level")
    (row,) = [row for row in rows if row["endpoint"] == f"`GET {path}`"]
    assert keys_in(row["permission: any of"]) == ORDER_KEYS
    assert row["smallest level"] == "OrgStaff"


def test_requirements_fix_a_figure_for_every_service_level() -> None:
    rows = table(paper("requirements"), "level", "figure", "how it is measured")
    assert len(rows) >= 10
    assert [row for row in rows if not any(sign.isdigit() for sign in row["figure"])] == []
    assert [row for row in rows if not row["how it is measured"]] == []


@pytest.mark.parametrize(("heading", "column"), [("Functional", "the service"), ("Non-functional", "rule")])
def test_requirements_name_ids_that_exist(heading: str, column: str) -> None:
    rows = table(section(paper("requirements"), heading), "area", column, "ids")
    assert rows
    assert {name for row in rows for name in row["ids"].split(", ")} <= REQUIREMENT_IDS


def test_the_etl_plan_names_a_check_and_a_way_back_for_every_step() -> None:
    rows = table(paper("etl-plan"), "step", "what happens", "check", "way back")
    assert len(rows) >= 7
    assert [row for row in rows if not all(row.values())] == []


def test_every_milestone_names_its_acceptance_tests() -> None:
    rows = table(paper("milestones"), "phase", "from", "to", "brings", "acceptance tests")
    spans = [(date.fromisoformat(row["from"]), date.fromisoformat(row["to"])) for row in rows]
    assert [row for row in rows if not all(row.values())] == []
    assert [span for span in spans if span[0] >= span[1]] == []
    assert all(one[1] < two[0] for one, two in pairwise(spans))
    components = table(paper("milestones"), "component", "first tests")
    assert len(components) >= 10
    assert [row for row in components if not row["first tests"]] == []
