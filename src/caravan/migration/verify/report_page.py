"""A verification's report as one HTML page that needs nothing else."""

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from caravan.migration.verify.report import VerificationReport

__all__ = ["verification_page"]


def verification_page(report: VerificationReport, made: datetime | None = None) -> str:
    """Return the page; everything that comes from the two sides is escaped."""
    environment = Environment(
        loader=PackageLoader("caravan.migration.verify", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    when = (made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    return environment.get_template("verification.html.j2").render(report=report, made=when)
