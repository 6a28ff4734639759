"""Stores of tables as a capture meets them: connected for statements, and asked for rows as they are now."""
