"""A pack as if its newest version had been in force from the beginning, to try a change of tomorrow on the past."""

from hashlib import sha256

from msgspec.structs import replace

from abusedesk.policy.pack import Pack


def always(pack: Pack) -> Pack:
    """The pack with its newest version alone, in force since the first one was, with the values that it has."""
    first, newest = pack.versions[0], pack.versions[-1]
    content = replace(
        pack.content,
        versions=(replace(newest, since=first.since),),
        parameters={
            name: replace(one, values=((None, one.at(newest.since)),)) for name, one in pack.parameters.items()
        },
        rules=tuple(
            (rule, frozenset[str]()) for rule, versions in pack.content.rules if not versions or newest.id in versions
        ),
    )
    return Pack(content, pack.safeguards, sha256(f"always:{pack.digest}".encode()).hexdigest())
