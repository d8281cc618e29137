"""Checks of the record that somebody asked for: the hash chains walked, or decisions made again; each kept as a row."""
