"""What can be wrong with a source, and with one record of it."""

from pathlib import Path

from caravan.core.errors import CaravanError

__all__ = [
    "RecordUndecodable",
    "SourceCollectionMissing",
    "SourceDamaged",
    "SourceLost",
    "SourceUnreadable",
]


class SourceUnreadable(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "source_unreadable"
    status = 422
    title = "The source cannot be read"
    exit_code = 2
    fix = (
        "Give a file or folder of a known kind that this user may read, or the address of a server that can be reached; "
        "name the kind when it cannot be told."
    )


class SourceDamaged(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    """The bytes end too early or contradict themselves; every good record before the place has been yielded.

    ``details``: ``file``, ``offset`` (in the decompressed bytes), ``last_ordinal`` (of the last good record, -1: none).
    """

    code = "source_damaged"
    status = 422
    title = "The source is cut or corrupted"
    fix = "Compare the file with the original (size, checksum), copy or dump it again, then run the load again: it goes on."

    @classmethod
    def at(cls, file: Path, offset: int, last_ordinal: int, problem: str) -> "SourceDamaged":
        last = (
            f"the last good record is number {last_ordinal}"
            if last_ordinal >= 0
            else "no record before it is good"
        )
        return cls(
            f"{file}: {problem} at byte {offset}; {last}",
            file=str(file),
            offset=offset,
            last_ordinal=last_ordinal,
        )


class SourceLost(SourceDamaged):
    """A running store that cannot be read on: it went away, or somebody changed or holds the table. ``file`` is its place."""

    code = "source_lost"
    status = 503
    title = "The running source cannot be read on"
    fix = (
        "See that the server runs and that nobody holds, empties or changes the table while it is read; then run the same"
        " command again: what was committed is kept, the rest is read in a new snapshot."
    )

    @classmethod
    def in_table(cls, place: str, table: str, last_ordinal: int, problem: str) -> "SourceLost":
        """Return the error of a live table that cannot be read on."""
        return cls(
            f"{place}: table {table} cannot be read on after {last_ordinal + 1} rows: {problem}",
            file=place,
            offset=0,
            last_ordinal=last_ordinal,
        )


class SourceCollectionMissing(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "source_collection_missing"
    status = 422
    title = "The source has no such collection"
    exit_code = 2
    fix = "Correct the name of the collection in the migration file, or dump the collection as well."


class RecordUndecodable(Exception):  # noqa: N818 - named after the situation, like its siblings
    """One record that is framed but cannot be read; ``reason`` is a stable class, ``detail`` says what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
