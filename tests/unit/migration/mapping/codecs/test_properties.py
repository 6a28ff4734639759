"""Money and text over their whole range."""

from decimal import Decimal
from uuid import UUID

from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from caravan.migration.mapping.codecs import Money, Text
from caravan.migration.mapping.codecs.memory import Memory
from caravan.migration.mapping.contract import MappingContext
from caravan.migration.mapping.errors import NOTHING, BadValueError

CONTEXT = MappingContext(UUID(int=1), None, UUID(int=2))
AMOUNTS = st.decimals(min_value=-(10**13), max_value=10**13, places=4)


@given(AMOUNTS)
def test_an_amount_survives_as_string_and_decimal128(number: Decimal) -> None:
    money = Money().decoder(CONTEXT)
    assert money(str(number)) == money(Decimal128(number)) == number


@given(st.integers(min_value=-(10**10), max_value=10**10))
def test_a_double_reads_as_the_amount_a_person_wrote(ten_thousandths: int) -> None:
    written = Decimal(ten_thousandths).scaleb(-4)
    assert Money().decode(float(written), CONTEXT) == written


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_double_is_an_amount_a_rounded_amount_or_refused(value: float) -> None:
    found: Decimal | None = None
    bad: BadValueError | None = None
    try:
        found = Money().decode(value, CONTEXT)
    except BadValueError as error:
        bad = error
    if bad is not None and bad.kind == "amount.not_a_number":
        assert bad.instead is NOTHING
        return
    if bad is not None:
        found = bad.instead
        assert abs(found - Decimal(repr(value))) <= Decimal("0.00005")
    assert found is not None
    assert found.as_tuple().exponent == -4
    assert abs(found) < 10**14


@given(st.text() | st.text(st.characters(exclude_categories=())))
def test_text_comes_through_or_comes_out_storable(value: str) -> None:
    try:
        found = Text().decode(value, CONTEXT)
        assert found == value
    except BadValueError as error:
        found = error.instead
    assert "\x00" not in found
    assert found.encode().decode() == found


def test_a_memory_stays_bounded() -> None:
    memory: Memory[int, int] = Memory(lambda key: key + 1)
    assert all(memory[key] == key + 1 for key in range(100_000))
    assert len(memory) <= 1 << 14
