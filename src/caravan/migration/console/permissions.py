"""Who may do what with a migration: the keys that its pages and acts ask for. ``admin`` holds them all."""

from typing import Final

__all__ = ["ACCEPT", "SWITCH", "VIEW"]

VIEW: Final = ("admin", "view_migrations")
"""To look at units, traffic, differences and the journal."""

ACCEPT: Final = ("admin", "accept_differences")
"""To answer for a difference, or to take that back."""

SWITCH: Final = ("admin", "switch_traffic")
"""To move units, to hold them, and to agree when somebody else wants to."""
