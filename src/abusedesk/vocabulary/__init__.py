"""The desk's own words as values: categories, reports, assurance, holders, measures, money, durations. Pure."""
