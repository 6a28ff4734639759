"""One address, the form each driver wants, the role in the start-up packet."""

from urllib.parse import parse_qs, urlsplit

import pytest

from caravan.core.database.connection import DatabaseAddress, Role


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_other_tools_spellings_of_the_scheme_are_taken(scheme: str) -> None:
    assert DatabaseAddress.parse(f"{scheme}://u:p@h:1/d").url == "postgresql://u:p@h:1/d"


def test_sqlalchemy_gets_its_driver() -> None:
    assert DatabaseAddress("postgresql://h/d").sqlalchemy() == "postgresql+asyncpg://h/d"


def test_psycopg_gets_the_role_beside_options_already_there() -> None:
    url = DatabaseAddress("postgresql://h/d?host=/run/x&options=-c%20jit%3Doff").libpq(
        Role.APP, application="t"
    )
    query = parse_qs(urlsplit(url).query)
    assert query["options"] == ["-c jit=off -c TimeZone=UTC -c role=caravan_app"]
    assert query["host"] == ["/run/x"]
    assert query["application_name"] == ["t"]


def test_another_database_of_the_same_server() -> None:
    address = DatabaseAddress("postgresql://u@/a?host=/run/x").named("b")
    assert address.database == "b"
    assert address.url == "postgresql://u@/b?host=/run/x"
    assert DatabaseAddress("postgresql://h").database == "postgres"
