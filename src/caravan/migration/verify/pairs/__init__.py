"""Two tables of any two stores held against each other, chunk by chunk, down to row and field."""
