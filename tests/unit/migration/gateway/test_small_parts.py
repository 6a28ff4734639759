"""Ids, memory of writes, the copy on disk, captures, forwarding, the lease: the small parts on their own."""

import hashlib
import json
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from caravan.migration import gateway
from caravan.migration.config import read_config_text
from caravan.migration.exchange import Body
from caravan.migration.gateway.capture import Capture
from caravan.migration.gateway.errors import TableUnreadableError
from caravan.migration.gateway.forwarding import ForwardedLines, TrustedProxies, TrustedProxyError
from caravan.migration.gateway.limits import KEPT_BODY, Limits
from caravan.migration.gateway.plan import PlannedUnit, RoutePlan
from caravan.migration.gateway.recent_writes import RecentWrites
from caravan.migration.gateway.request_head import read_request_head
from caravan.migration.gateway.request_ids import RequestIds
from caravan.migration.gateway.side_addresses import side_addresses
from caravan.migration.gateway.side_pool import SideAddress, SideAddressError
from caravan.migration.gateway.table_copy import CopiedTable, TableCopy
from caravan.migration.gateway.tap import Copy, CopyError, decode_copy, encode_copy


def test_request_ids_are_ordered_uuids_of_version_7() -> None:
    ids = RequestIds()
    made = [ids.next().decode() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(
        UUID(one).version == 7 and UUID(one).variant == "specified in RFC 4122" for one in made[:2_000]
    )
    assert made == sorted(made)


def test_a_clock_that_is_set_back_makes_no_id_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = RequestIds()
    before = {ids.next() for _ in range(100)}
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3_600_000_000_000)
    after = {ids.next() for _ in range(100)}
    assert len(before | after) == 200


def test_a_write_is_remembered_for_its_time_and_by_every_process(tmp_path: Path) -> None:
    one, other = RecentWrites(tmp_path / "recent"), RecentWrites(tmp_path / "recent")
    one.mark(12345, 60)
    one.mark(12345, 0.01)  # a shorter lag does not shorten the longer one
    one.mark(777, 0.01)
    assert not other.wrote(54321)
    deadline = time.monotonic() + 30
    while other.wrote(777):
        assert time.monotonic() < deadline
    assert other.wrote(12345)
    one.close()
    other.close()


def table(version: int, epoch: int = 0, state: int = 0) -> CopiedTable:
    plan = RoutePlan(units=(PlannedUnit(name="orders", state=state),))
    return CopiedTable(UUID(int=7), version, epoch, plan)


def test_the_copy_on_disk_never_becomes_older(tmp_path: Path) -> None:
    copy = TableCopy(tmp_path / "new" / "folder", "my shop/1")
    assert copy.load() is None
    copy.save(table(3, 1, 7))
    copy.save(table(2, 1))
    copy.save(table(9, 0))  # a database that was put back
    assert copy.load() == table(3, 1, 7)
    copy.save(table(4, 1, 8))
    assert copy.load() == table(4, 1, 8)
    assert sorted(file.suffix for file in copy.file.parent.iterdir()) == [".json", ".lock"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 1}', "changed"])
def test_a_damaged_copy_is_told_and_replaced(tmp_path: Path, damage: str) -> None:
    copy = TableCopy(tmp_path, "shop")
    copy.save(table(3))
    document = json.loads(copy.file.read_text())
    document["plan"]["units"][0]["state"] = 9
    copy.file.write_text(json.dumps(document) if damage == "changed" else damage)
    with pytest.raises(TableUnreadableError, match=r"shop\.json"):
        copy.load()
    copy.save(table(1))
    assert copy.load() == table(1)


def test_a_crash_while_writing_leaves_the_copy_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = TableCopy(tmp_path, "shop")
    copy.save(table(1))

    def crash(_self: Path, _target: Path) -> None:
        raise OSError("no power")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="no power"):
        copy.save(table(2))
    assert copy.load() == table(1)


@pytest.mark.parametrize("size", [0, 1, KEPT_BODY, KEPT_BODY + 1, KEPT_BODY * 2])
def test_a_capture_keeps_a_short_body_and_hashes_a_long_one(size: int) -> None:
    content = b"x" * size
    capture = Capture()
    for start in range(0, size, 300_000):
        capture.add(content[start : start + 300_000])
    kept = content if size <= KEPT_BODY else None
    assert capture.body() == Body(kept, size, hashlib.sha256(content).digest())


def test_a_copy_survives_the_wire_and_a_cut_one_is_refused() -> None:
    long = Body(None, 5_000_000, bytes(range(32)))
    id_ = str(uuid4())
    copy = Copy(
        id_.encode(),
        1.5,
        0.25,
        b"GET /a HTTP/1.1\r\nHost: b\r\n\r\n",
        b"",
        b"HTTP/1.1 204 \r\n\r\n",
        long,
        b"c",
        b"side:old",
    )
    data = encode_copy(copy)
    exchange = decode_copy(data)
    assert (exchange.id, exchange.answer.status, exchange.answer.body) == (UUID(id_), 204, long)
    for end in range(len(data)):
        with pytest.raises(CopyError):
            decode_copy(data[:end])


def test_only_trusted_addresses_name_the_client() -> None:
    proxies = TrustedProxies(("10.0.0.0/8", "::1"))
    raw = (
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n"
    )
    head = read_request_head(raw, Limits())
    assert ForwardedLines("10.2.2.2", "http", proxies).client(head) == b"1.2.3.4"
    assert ForwardedLines("8.8.8.8", "http", proxies).client(head) == b"8.8.8.8"
    assert ForwardedLines("::1", "http", proxies).lines(head).split(b"\r\n")[1] == (
        b"X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.1.1.1, ::1"
    )
    with pytest.raises(TrustedProxyError):
        TrustedProxies(("proxy.example",))


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://a/b", "http://", "a:80", "http://a:99999", "http://u@a", "http://a?b"]
)
def test_an_address_that_is_more_or_less_than_one_is_refused(url: str) -> None:
    with pytest.raises(SideAddressError):
        SideAddress.parse("old", url)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://a", b"a"),
        ("http://a:80/", b"a"),
        ("http://[::1]:81", b"[::1]:81"),
        ("https://a:443", b"a"),
        ("https://a:80", b"a:80"),
    ],
)
def test_an_address_is_named_as_a_host_header_would(url: str, authority: bytes) -> None:
    assert SideAddress.parse("old", url).authority == authority


def test_the_door_opens_on_everything_it_names() -> None:
    assert all(getattr(gateway, name) is not None for name in gateway.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gateway.nothing


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ("", r"there is no \[legacy\]"),
        ('[legacy]\nbase_url = "http://a/b"\n', "not a bare address"),
    ],
)
def test_a_file_that_names_no_side_is_refused(tables: str, says: str) -> None:
    text = f'[migration]\nname = "a"\norg = "demo"\n{tables}'
    config = read_config_text(Path("migration.toml"), text)
    with pytest.raises(SideAddressError, match=says):
        side_addresses(config, rewrite_host=False)


def test_without_a_new_side_all_goes_to_the_old_one() -> None:
    text = '[migration]\nname = "a"\norg = "demo"\n[legacy]\nbase_url = "http://a:81"\n'
    old, new = side_addresses(read_config_text(Path("migration.toml"), text), rewrite_host=True)
    assert (old.authority, new.authority, new.rewrite_host) == (b"a:81", b"a:81", True)
