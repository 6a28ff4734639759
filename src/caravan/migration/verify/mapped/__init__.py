"""Records of a legacy source held against the rows that the mapping makes of them, whatever the source."""
