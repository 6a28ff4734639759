"""Writes records back to a legacy store, each batch in one transaction where the store has them."""
