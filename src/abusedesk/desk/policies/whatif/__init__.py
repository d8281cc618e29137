"""What-ifs: a changed pack tried on the recorded past, by a process of its own beside the live work."""
