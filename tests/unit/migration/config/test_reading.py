"""A migration file is typed values, or an error that says where it is wrong."""

from datetime import date
from pathlib import Path

import pytest

from caravan.migration.config import ConfigError, read_config

GOOD = """
[migration]
name = "rps"
org = "Retail"

[sources.dump]
path = "dump"
timezone = "Europe/Berlin"

[[data_sets]]
name = "orders"
source = "dump"
collection = "orders"
mapping = "a.b:orders"

[[waivers]]
class = "amount.not_a_number"
owner = "Nadia"
reason = "four test orders"
until = 2026-12-31
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "migration.toml"
    file.write_text(text)
    return file


def test_paths_hang_on_the_folder_of_the_file(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    assert config.path_of("dump") == tmp_path.resolve() / "dump"
    assert config.data_sets[0].mapping == "a.b:orders"
    assert config.sources["dump"].kind == "auto"


def test_a_waiver_counts_through_its_last_day(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    assert config.waived("amount.not_a_number", date(2026, 12, 31))
    assert not config.waived("amount.not_a_number", date(2027, 1, 1))
    assert not config.waived("key.repeated", date(2026, 1, 1))


def test_a_waiver_without_an_end_always_counts(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD.replace("until = 2026-12-31\n", "")))
    assert config.waived("amount.not_a_number", date(2999, 1, 1))


def test_the_tables_of_later_steps_are_accepted(tmp_path: Path) -> None:
    more = """
[target]
url = "postgresql://x"
[legacy]
base_url = "http://old"
[new]
base_url = "http://new"
[[routes]]
template = "/orders/{id}"
methods = ["GET"]
effect = "read"
[gates]
alpha = 0.05
[shadow]
sample = 0.5
"""
    config = read_config(write(tmp_path, GOOD + more))
    assert config.routes[0].effect == "read"
    assert config.gates.alpha == 0.05
    assert config.gates.stages == (1, 5, 25, 50, 100)
    assert config.shadow.sample == 0.5
    assert config.path_of("dump") is not None


def test_a_source_with_a_url_has_no_path(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD.replace('path = "dump"', 'url = "mongodb://x"')))
    assert config.path_of("dump") is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            GOOD.replace('org = "Retail"', 'organisation = "Retail"'),
            "migration.organisation: there is no such key",
        ),
        (GOOD.replace('org = "Retail"\n', ""), ":2:1: migration.org: is missing; add it"),
        (GOOD.replace('collection = "orders"', "collection = 3"), ":13:1: data_sets.orders.collection: "),
        (GOOD.replace('"a.b:orders"', '"orders"'), "data_sets.orders.mapping: "),
        (
            GOOD.replace('source = "dump"', 'source = "dmp"'),
            ":12:1: data_sets.orders.source: 'dmp' is not among [sources]; there are dump",
        ),
        (
            GOOD.replace('source = "dump"', 'source = "dump"\nafter = ["x"]'),
            ":13:10: data_sets.orders.after.0: 'x' is no data set",
        ),
        (GOOD.replace("Europe/Berlin", "Europe/Berlim"), "sources.dump.timezone: is no time zone"),
        (GOOD.replace('path = "dump"\n', ""), "sources.dump: needs either path or url"),
        (GOOD.replace("until = 2026-12-31", 'until = "soon"'), "waivers.amount.not_a_number.until: "),
        (
            GOOD + '[[data_sets]]\nname = "orders"\nsource = "dump"\ncollection = "o"\nmapping = "a:b"\n',
            "occurs twice",
        ),
        (GOOD + "[[data_sets]]\ncollection = 1\n", "data_sets.1.name: is missing"),
        (GOOD + "[tables]\n", ":21:1: tables: there is no such key"),
        (GOOD + "[file]\n", "file: there is no such table"),
        ("migration = [\n", ":2:1: this is not TOML"),
        ('a = "b\n', ":1:7: this is not TOML"),
        ("data_sets = 3\n", "migration: is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, wrong: str, said: str) -> None:
    file = write(tmp_path, wrong)
    with pytest.raises(ConfigError) as refused:
        read_config(file)
    assert refused.value.message.startswith(str(file))
    assert said in refused.value.message
    assert refused.value.code == "migration_file_invalid"


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read_config(write(tmp_path, GOOD.replace("owner", "oner").replace("timezone", "time_zone")))
    assert len(refused.value.message.splitlines()) == 3


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "bytes.toml")


@pytest.mark.parametrize(
    ("source", "capture", "line", "said"),
    [
        ('url = "mysql://db/shop"', 'mechanism = "slot"', 9, "has no slot; it has binlog, outbox, watermark"),
        ('kind = "mongodump"\npath = "dump"', 'mechanism = "outbox"', 10, "its changes cannot be followed"),
        ('url = "mysql://db/shop"', 'mechanism = "wal"', 9, "input should be 'auto'"),
        ('url = "mysql://db/shop"', "batch = 0", 9, "greater than or equal to 1"),
        ('url = "mysql://db/shop"', 'identity = "full"', 9, "is for postgresql and supabase alone"),
        ('url = "postgresql://db/shop"', 'cascades = "accept"', 9, "is for mariadb and mysql alone"),
        ('url = "postgresql://db/shop"', 'mechanism = "watermark"', 9, "there is no watermark for orders"),
        (
            'url = "postgresql://db/shop"',
            'watermarks = { orders = "changed" }',
            9,
            'mechanism = "watermark" alone',
        ),
        ('url = "postgresql://db/shop"', 'mechanisn = "slot"', 9, "did you mean mechanism"),
    ],
)
def test_a_way_of_capture_that_does_not_fit_is_told_with_its_line(
    tmp_path: Path, source: str, capture: str, line: int, said: str
) -> None:
    text = GOOD.replace(
        'path = "dump"\ntimezone = "Europe/Berlin"\n', f"{source}\n[sources.dump.capture]\n{capture}\n"
    )
    file = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        read_config(file)
    (told,) = refused.value.message.splitlines()
    assert told.startswith(f"{file}:{line}:1: sources.dump.capture.")
    assert said in told


def test_a_way_of_capture_is_read_with_its_defaults(tmp_path: Path) -> None:
    text = GOOD.replace(
        'path = "dump"\n', 'url = "mysql://db/shop"\ncapture = { mechanism = "outbox", overlap = 5 }\n'
    )
    capture = read_config(write(tmp_path, text)).sources["dump"].capture
    assert (capture.mechanism, capture.overlap, capture.identity, capture.batch) == (
        "outbox",
        5,
        "refuse",
        5000,
    )
