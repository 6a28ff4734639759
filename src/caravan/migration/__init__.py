"""The migration engine. It works for any backend and needs only the ground floor."""
