"""One running `caravan up` for the tests of a module that leave it usable."""

from collections.abc import Iterator

import pytest

from tests.fixtures.command_line import Home, Service, new_home
from tools.free_ports import free_port


@pytest.fixture
def home() -> Iterator[Home]:
    """A fresh home; nothing may run in it at the end."""
    with new_home() as home:
        yield home


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """The service of this module, with a second API process."""
    with new_home() as home:
        service = Service(home, free_port(), {"CARAVAN_PROCESSES": "2"})
        yield service
        if service.process is not None and service.process.poll() is None:
            service.end()


@pytest.fixture
def service(shared: Service) -> Service:
    """The service of this module, up and ready whatever the test before has killed."""
    shared.ensure()
    return shared
