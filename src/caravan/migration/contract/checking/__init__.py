"""Asks a server what a contract's samples asked, and compares its answers with the contract."""

from caravan.migration.contract.checking.answers import AnswerChecker
from caravan.migration.contract.checking.asking import Ask, Asked, http_asker
from caravan.migration.contract.checking.check import (
    Case,
    CheckReport,
    CheckResult,
    cases_of,
    check,
    run_case,
)
from caravan.migration.contract.checking.junit import junit_xml

__all__ = [
    "AnswerChecker",
    "Ask",
    "Asked",
    "Case",
    "CheckReport",
    "CheckResult",
    "cases_of",
    "check",
    "http_asker",
    "junit_xml",
    "run_case",
]
