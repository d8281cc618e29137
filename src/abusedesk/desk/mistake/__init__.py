"""Our mistake: what staff undo as the provider's own fault, looked at before, carried out whole, and kept on record.

`picks` names what is undone, `plan` rehearses it and finds what followed from it, `perform` carries it out whatever
breaks in between, `letter` apologises, `downtime` says how long somebody was without a service.
"""
