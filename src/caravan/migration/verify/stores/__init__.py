"""Tables that hash themselves, per store."""
