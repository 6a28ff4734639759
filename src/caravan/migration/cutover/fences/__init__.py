"""Fences: what keeps everybody but the applier from writing a store, for each kind of store."""
