"""URLs of the embedded servers, read by the libraries that will get them."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from redis.connection import parse_url
from sqlalchemy import make_url

from caravan.core.embedded import PostgresAddress, ValkeyAddress

POSTGRES = PostgresAddress(host="/run/user/1000/it's 50% ours", port=5432)


def test_psycopg_reads_folder_port_and_odd_names_from_the_dsn():
    read = conninfo_to_dict(POSTGRES.dsn("a b/c", user="o'hara"))
    assert read == {"user": "o'hara", "dbname": "a b/c", "host": POSTGRES.host, "port": "5432"}


def test_sqlalchemy_reads_the_driver_and_the_folder():
    url = make_url(POSTGRES.dsn("shop", driver="asyncpg"))
    assert (url.drivername, url.database, url.username) == ("postgresql+asyncpg", "shop", "postgres")
    assert url.query == {"host": POSTGRES.host, "port": "5432"}


def test_the_socket_is_named_as_postgresql_names_it():
    assert PostgresAddress(host="/x").socket == Path("/x/.s.PGSQL.5432")


def test_redis_reads_the_socket_and_the_database():
    read = parse_url(ValkeyAddress(Path("/a b/valkey.sock")).redis_url(database=2))
    assert (read["path"], read["db"]) == ("/a b/valkey.sock", 2)


def test_celery_gets_the_scheme_of_a_socket():
    url = ValkeyAddress(Path("/run/valkey.sock")).celery_broker_url(1)
    assert url == "redis+socket:///run/valkey.sock?virtual_host=1"
