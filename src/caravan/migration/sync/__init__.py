"""Carries changes from one side to the other, both ways, with the position committed beside the rows."""
