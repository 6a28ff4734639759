"""Mappings are found by name, and a wrong name says what is wrong with it."""

import sys
from types import ModuleType

import pytest

from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.errors import MappingNotFoundError, NotAMappingError
from caravan.migration.mapping.fields import Main
from caravan.migration.mapping.registry import load_mapping


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Entity:
    module = ModuleType("made_up_shop")
    entity = Entity("order", Main("orders", ()))
    module.orders = entity  # type: ignore[attr-defined]
    module.number = 5  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made_up_shop", module)
    return entity


def test_a_mapping_is_found(shop: Entity) -> None:
    assert load_mapping("made_up_shop:orders") is shop


@pytest.mark.parametrize("name", ["orders", ":orders", "made_up_shop:", ""])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(MappingNotFoundError, match="module:attribute"):
        load_mapping(name)


@pytest.mark.parametrize(
    "name", ["no_such_shop:orders", "caravan.legacy.nowhere:orders", "caravan.nowhere.deep:x"]
)
def test_a_missing_module_is_named(name: str) -> None:
    with pytest.raises(MappingNotFoundError, match="there is no module"):
        load_mapping(name)


@pytest.mark.usefixtures("shop")
def test_a_missing_attribute_lists_what_there_is() -> None:
    with pytest.raises(MappingNotFoundError, match=r"no 'customers'; its mappings are orders$"):
        load_mapping("made_up_shop:customers")


@pytest.mark.usefixtures("shop")
def test_another_thing_is_no_mapping() -> None:
    with pytest.raises(NotAMappingError, match="is a int"):
        load_mapping("made_up_shop:number")


def test_an_import_that_fails_inside_the_module_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    folder = str(tmp_path)
    monkeypatch.syspath_prepend(folder)
    with open(f"{folder}/broken_shop.py", "w", encoding="utf-8") as file:  # noqa: PTH123 - one line
        file.write("import a_library_nobody_has\n")
    with pytest.raises(ModuleNotFoundError, match="a_library_nobody_has"):
        load_mapping("broken_shop:orders")
