"""The parity matrix: route by probe by side, in Markdown for a pull request."""

from collections.abc import Iterator, Mapping

from caravan.migration.contract.checking.check import CheckReport, CheckResult
from caravan.migration.contract.model import Contract
from caravan.migration.contract.probing.report import ProbeReport

__all__ = ["parity_matrix"]

_SHOWN = 160


def parity_matrix(
    contract: Contract, sides: Mapping[str, CheckReport], probes: ProbeReport | None = None
) -> str:
    """Return the page: one row per route and status with the outcome at each side, then what probing found."""
    names = list(sides)
    results = {name: _by_place(report) for name, report in sides.items()}
    places = [(key, status) for key, route in contract.routes.items() for status in route.answers]
    same = [all(_passed(results[name].get(place, ())) for name in names) for place in places]
    asked = ", ".join(f"{name}: {report.side}" for name, report in sides.items())
    lines = [
        f"# Parity of {contract.name}",
        "",
        f"{sum(same)} of {len(places)} route and status pairs keep the contract on every side that was asked ({asked}).",
        "",
        f"| route | effect | status | {' | '.join(names)} |",
        f"|---|---|---|{'---|' * len(names)}",
    ]
    for key, status in places:
        cells = (_cell(results[name].get((key, status), ())) for name in names)
        lines.append(f"| `{key}` | {contract.routes[key].effect} | {status} | {' | '.join(cells)} |")
    return "\n".join([*lines, *_probed(probes), ""])


def _probed(probes: ProbeReport | None) -> Iterator[str]:
    if probes is None:
        return
    yield from (
        "",
        f"## Probes, seed {probes.seed}",
        "",
        "| route | requests | old | new | difference |",
        "|---|---|---|---|---|",
    )
    for line in probes.routes:
        found = line.finding
        if found is None:
            yield f"| `{line.route}` | {line.asked} | | | {'none before time ran out' if line.stopped else 'none'} |"
            continue
        told = _plain(f"`{found.asked.method} {found.asked.target}`: {'; '.join(found.problems)}")
        yield f"| `{line.route}` | {line.asked} | {found.old.status or 'none'} | {found.new.status or 'none'} | {told} |"
    if probes.skipped:
        yield from ("", f"Not probed, as they write: {', '.join(f'`{key}`' for key in probes.skipped)}.")


def _by_place(report: CheckReport) -> dict[tuple[str, int], tuple[CheckResult, ...]]:
    found: dict[tuple[str, int], tuple[CheckResult, ...]] = {}
    for result in report.results:
        place = (result.case.route, result.case.status)
        found[place] = (*found.get(place, ()), result)
    return found


def _passed(results: tuple[CheckResult, ...]) -> bool:
    return any(result.outcome == "passed" for result in results) and not any(
        result.outcome == "failed" for result in results
    )


def _cell(results: tuple[CheckResult, ...]) -> str:
    failed = [result for result in results if result.outcome == "failed"]
    if failed:
        return f"✗ {_plain(str(failed[0].problems[0]))} ({len(failed)} of {len(results)} samples)"
    if _passed(results):
        return f"✓ {len(results)}"
    return f"- {results[0].case.skip}" if results else "- not asked"


def _plain(text: str) -> str:
    """Return the text on one line of a table."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return " ".join(short.split()).replace("|", "\\|")
