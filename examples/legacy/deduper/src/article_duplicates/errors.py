"""What ends the program with exit code 1."""

__all__ = ["DeduperError"]


class DeduperError(Exception):
    """The program cannot do what was asked; the message says why and what to set."""
