"""Chaos: workers, watch and database are killed at random while measures, charges and notices are carried out."""
