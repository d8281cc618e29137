"""Who holds what, kept in step with the systems that know: read, weigh, compare, apply, undo.

`driver` is what an inventory's driver is; `precedence`, `difference` and `free` are pure; `compare` reads and finds the
difference, `apply` writes it and takes it back.
"""
