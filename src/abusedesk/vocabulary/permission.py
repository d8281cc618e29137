"""The groups of staff, by what their members may do beyond the daily work."""

RESTRICTED_READERS = "restricted readers"
POLICY_PUBLISHERS = "policy publishers"
READING_RULES = "reading rules"
CHANNELS = "channels"
API_KEYS = "api keys"
INVENTORIES = "inventories"
REPORTERS = "reporters"
SERVICES = "services"
SUPPRESSIONS = "suppressions"
ON_CALL = "on call"
APPROVERS = "approvers"

GROUPS = {
    RESTRICTED_READERS: "open reports of illegal content and requests of authorities",
    POLICY_PUBLISHERS: "propose and approve policies",
    READING_RULES: "change how messages are read",
    CHANNELS: "set up the ways in",
    API_KEYS: "make and revoke keys of the API",
    INVENTORIES: "set up inventories, and agree to what they change",
    REPORTERS: "say who is a known reporter, and mute",
    SERVICES: "mark services and declare names for them",
    SUPPRESSIONS: "say what is no abuse",
    ON_CALL: "set up who is on call, and by which ways alerts reach them",
    APPROVERS: "say yes or no where a brand leaves that to approvers",
}
"""Each group with what its members may do."""
