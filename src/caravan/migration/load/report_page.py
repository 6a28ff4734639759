"""A report as one HTML page that needs nothing else."""

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from caravan.migration.load.report import LoadReport

__all__ = ["load_report_page"]


def load_report_page(report: LoadReport, made: datetime | None = None) -> str:
    """Return the page; everything that comes from the source is escaped."""
    environment = Environment(
        loader=PackageLoader("caravan.migration.load", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(report=report, made=(made or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC"))
