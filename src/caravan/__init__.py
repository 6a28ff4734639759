"""Caravan moves a running legacy backend onto FastAPI and PostgreSQL."""

__version__ = "0.1.0"
