"""Mappings are data: per entity a table of fields and codecs that load, capture, verification and answers read alike."""
