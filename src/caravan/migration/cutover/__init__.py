"""Cutover: both halves of a unit change sides in one guarded step that can be taken back."""
