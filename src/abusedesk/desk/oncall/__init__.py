"""On call: what is wrong now, whom it wakes, and that it reached them.

`wrong` says what is wrong from rows that `house` gathers; `book` keeps it as alerts, one for each thing that is wrong;
`kinds` says how grave each kind is, `rota` who is on call; `telling` sends, `heartbeat` tells an outside that all runs.
"""
