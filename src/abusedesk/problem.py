"""What a user can cause and put right: printed as one line, never as a traceback."""


class Problem(Exception):  # noqa: N818 - it is shown to people, who read "problem", not "error"
    """One sentence that says what is wrong, where, and what to do."""
