"""What drives the outside: one file per outside system, all behind the one Protocol of `actuator`.

They come in through the entry points `abusedesk.actuators`; those that ship with the desk use the same door.
"""
