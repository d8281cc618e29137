"""The tables. One file per part of the house; everything is imported from here."""

from abusedesk.records.models.alerts import Alert, Rota, Telling, Way
from abusedesk.records.models.api import ApiAnswer, ApiKey
from abusedesk.records.models.appeals import Appeal, Downtime, Mistake, TelephoneLift
from abusedesk.records.models.clock import Heartbeat
from abusedesk.records.models.docket import Case, Checkpoint, Decision, Docket, Strike, TimelineEntry
from abusedesk.records.models.files import FileEntry, LegalFile
from abusedesk.records.models.intake import (
    Channel,
    Event,
    EventSeen,
    Message,
    MessageKey,
    MessageSeen,
    Report,
    Reporter,
    ReporterChange,
)
from abusedesk.records.models.inventory import Comparison, Contradiction, Inventory, OwnPrefix
from abusedesk.records.models.listings import Listing, ListingQuestion, Sweep, SweptBlock
from abusedesk.records.models.orders import (
    Charge,
    Deadline,
    Effect,
    MailDomain,
    Measure,
    Notice,
    Pace,
    Review,
    Target,
    Ticket,
    TicketEntry,
)
from abusedesk.records.models.parties import (
    Assignment,
    Brand,
    BrandAddress,
    Contact,
    Customer,
    DeclaredName,
    Hold,
    Service,
)
from abusedesk.records.models.policy import AuditRun, Installed, PackText, Publication, PublicationEntry, UpgradeAudit
from abusedesk.records.models.proposal import Consent, Proposal
from abusedesk.records.models.reading import ReadingRule, SenderDay
from abusedesk.records.models.requests import CustomerRequest
from abusedesk.records.models.submission import Submission
from abusedesk.records.models.suppression import (
    Campaign,
    DoubtedVoice,
    Suppression,
    SuppressionChange,
    SuppressionHit,
)
from abusedesk.records.models.threads import Draft, Thread, ThreadEntry
from abusedesk.records.models.upstream import Duty, UpstreamMeasure
from abusedesk.records.models.whatif import WhatIfRun

__all__ = [
    "Alert",
    "ApiAnswer",
    "ApiKey",
    "Appeal",
    "Assignment",
    "AuditRun",
    "Brand",
    "BrandAddress",
    "Campaign",
    "Case",
    "Channel",
    "Charge",
    "Checkpoint",
    "Comparison",
    "Consent",
    "Contact",
    "Contradiction",
    "Customer",
    "CustomerRequest",
    "Deadline",
    "Decision",
    "DeclaredName",
    "Docket",
    "DoubtedVoice",
    "Downtime",
    "Draft",
    "Duty",
    "Effect",
    "Event",
    "EventSeen",
    "FileEntry",
    "Heartbeat",
    "Hold",
    "Installed",
    "Inventory",
    "LegalFile",
    "Listing",
    "ListingQuestion",
    "MailDomain",
    "Measure",
    "Message",
    "MessageKey",
    "MessageSeen",
    "Mistake",
    "Notice",
    "OwnPrefix",
    "Pace",
    "PackText",
    "Proposal",
    "Publication",
    "PublicationEntry",
    "ReadingRule",
    "Report",
    "Reporter",
    "ReporterChange",
    "Review",
    "Rota",
    "SenderDay",
    "Service",
    "Strike",
    "Submission",
    "Suppression",
    "SuppressionChange",
    "SuppressionHit",
    "Sweep",
    "SweptBlock",
    "Target",
    "TelephoneLift",
    "Telling",
    "Thread",
    "ThreadEntry",
    "Ticket",
    "TicketEntry",
    "TimelineEntry",
    "UpgradeAudit",
    "UpstreamMeasure",
    "Way",
    "WhatIfRun",
]
