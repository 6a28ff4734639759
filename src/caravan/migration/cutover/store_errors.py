"""What drivers raise when a store does not do what is asked."""

import sqlite3
import sys

import psycopg
from pymongo.errors import PyMongoError

__all__ = ["store_errors"]


def store_errors() -> tuple[type[Exception], ...]:
    """Return the drivers' errors; that of MariaDB is an extra, and raises nothing where it is not there."""
    known: list[type[Exception]] = [OSError, psycopg.Error, sqlite3.Error, PyMongoError]
    pymysql = sys.modules.get("pymysql")
    if pymysql is not None:
        known += [pymysql.err.MySQLError, pymysql.err.InterfaceError]
    return tuple(known)
