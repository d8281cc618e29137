"""How well messages are read: senders that yield less than before, and what can be read again."""
