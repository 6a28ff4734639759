"""The guardian: a small program of its own that runs one job's program and sees every process of it end.

Standard library only, and nothing else of Caravan: it is started by path (`start.py`) with ``python -I -S``, so these
files import each other relatively and nothing above them.
"""
