"""Finds new articles that were already approved: same id, same address, same text, same meaning."""
