"""What is written back: receipts and outcomes to reporters, and what staff write to customers and reporters."""
