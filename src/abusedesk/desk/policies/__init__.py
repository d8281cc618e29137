"""What is done with a brand's policy: published, tried on the past, and its decisions made again."""
