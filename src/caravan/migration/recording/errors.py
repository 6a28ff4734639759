"""What can be wrong with a recording, or with a file that should become one."""

from caravan.core.errors import CaravanError

__all__ = ["ImportUnreadable", "RecordingMissing", "RuleInvalid"]


class RecordingMissing(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "recording_missing"
    status = 404
    title = "There is no such recording"
    exit_code = 2
    fix = (
        "Correct the name; `caravan record list` shows what there is, `caravan record import FILE` makes one."
    )


class ImportUnreadable(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "recording_import_unreadable"
    status = 422
    title = "The file cannot be imported"
    exit_code = 2
    fix = "Give a HAR 1.2 file or an Apache or nginx access log in the common or combined format, plain or gzipped."


class RuleInvalid(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "redaction_rule_invalid"
    status = 422
    title = "The redaction rule cannot be understood"
    exit_code = 2
    fix = "Write header:NAME, query:NAME, cookie:NAME, body:PATH (such as customer.email, items[].card or **.phone) or path:/reset/{token}."
