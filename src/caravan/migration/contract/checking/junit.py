"""A check as JUnit XML, which build servers show."""

import re
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from caravan.migration.contract.checking.check import CheckReport, CheckResult

__all__ = ["junit_xml"]

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: CheckReport) -> str:
    """Return one test case per sample, its class the route."""
    counts = report.counts
    seconds = sum(result.seconds for result in report.results)
    cases = "\n".join(map(_case, report.results))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuites><testsuite name={_attribute(f"contract {report.contract}")} tests="{len(report.results)}"'
        f' failures="{counts["failed"]}" errors="0" skipped="{counts["skipped"]}" time="{seconds:.3f}">\n'
        f"{cases}\n</testsuite></testsuites>\n"
    )


def _case(result: CheckResult) -> str:
    case = result.case
    name = f"{case.status} sample {case.number}" if case.number else f"{case.status}"
    head = f'<testcase classname={_attribute(case.route)} name="{name}" time="{result.seconds:.3f}"'
    if result.outcome == "passed":
        return f"{head}/>"
    if result.outcome == "skipped":
        return f"{head}><skipped message={_attribute(case.skip)}/></testcase>"
    first = str(result.problems[0])
    return f"{head}><failure message={_attribute(first)}>{escape(_clean(chr(10).join(result.messages())))}</failure></testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Take out what XML cannot say."""
    return _FORBIDDEN.sub("\ufffd", text)
