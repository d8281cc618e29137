"""What a message says: containers opened, formats read, noise told from complaints. Pure, and never trusting."""
