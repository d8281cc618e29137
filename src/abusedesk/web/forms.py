"""What staff can say about a case: each form checks its fields and becomes one stimulus for the policy."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from abusedesk.desk import telephone
from abusedesk.desk.approvals import Answer, Voice
from abusedesk.desk.break_glass import is_allowed
from abusedesk.policy import stimulus as stimuli
from abusedesk.records.models import Case, Measure, Proposal
from abusedesk.vocabulary.measure import MEASURE_NOUN, MEASURES, ON_ADDRESS
from abusedesk.web import words

_YES_NO = forms.RadioSelect


class StimulusForm(forms.Form):
    """A form that becomes a stimulus. `token` makes a form that is sent twice count once."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)
    name = ""
    button = "Record"
    does = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {}).setdefault("token", uuid4().hex)
        # One page shows the same form for several proposals: ids must differ.
        kwargs.setdefault("auto_id", f"{self.name}-{kwargs['initial']['token'][:6]}-%s")
        super().__init__(*args, **kwargs)

    @property
    def key(self) -> str:
        """What the stimulus is called in the docket's history."""
        return f"staff:{self.name}:{self.cleaned_data['token']}"

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        """The stimulus that the checked form stands for."""
        raise NotImplementedError

    def refusal(self, case: Case) -> str:  # noqa: ARG002 - most forms may be sent on any case
        """Why the checked form cannot be sent on a case, or nothing."""
        return ""


class MinorUnits(forms.DecimalField):
    """An amount of money that becomes minor units."""

    def __init__(self, **kwargs: Any) -> None:
        # Three hundred million in one entry is a slip of the keyboard, and the column holds no more digits anyway.
        super().__init__(min_value=Decimal("0.01"), max_value=Decimal("9999999.99"), decimal_places=2, **kwargs)

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)


class Reply(StimulusForm):
    """An answer of the customer that came another way than by the desk's own channels."""

    name = "reply"
    complete = forms.TypedChoiceField(
        label="The customer says",
        choices=(("yes", "it is done"), ("no", "still working on it")),
        widget=_YES_NO,
        coerce=lambda value: value == "yes",
    )
    text = forms.CharField(
        label="What was said", required=False, max_length=20000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def stimulus(self, by: str) -> stimuli.AnyStimulus:  # noqa: ARG002 - who logged it stands beside the decision
        return stimuli.Reply(complete=self.cleaned_data["complete"])


class Evidence(StimulusForm):
    """Staff's judgement of the customer's evidence."""

    name = "evidence"
    accepted = forms.TypedChoiceField(
        label="The evidence is",
        choices=(("yes", "accepted"), ("no", "refused")),
        widget=_YES_NO,
        coerce=lambda value: value == "yes",
    )

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        return stimuli.Evidence(accepted=self.cleaned_data["accepted"], by=by)


class Payment(StimulusForm):
    """Money that came in for the service."""

    name = "payment"
    amount = MinorUnits(label="Amount")

    def stimulus(self, by: str) -> stimuli.AnyStimulus:  # noqa: ARG002 - who recorded it stands beside the decision
        return stimuli.Payment(amount=self.cleaned_data["amount"])


class Cost(StimulusForm):
    """A cost that the provider had."""

    name = "cost"
    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            (one, words.plain(one)) for one in ("admin", "upstream_fine", "engineering", "delisting", "actual_damages")
        ],
    )
    amount = MinorUnits(label="Amount")

    def stimulus(self, by: str) -> stimuli.AnyStimulus:  # noqa: ARG002 - who recorded it stands beside the decision
        return stimuli.Cost(kind=self.cleaned_data["kind"], amount=self.cleaned_data["amount"])


class Propose(StimulusForm):
    """A measure that a person proposes; another approves it."""

    name = "propose"
    button = "Propose"
    measure = forms.ChoiceField(label="Measure", choices=[(one, MEASURE_NOUN[one]) for one in MEASURES])
    ip = forms.GenericIPAddressField(label="Address, for a null-route or a rate limit", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("measure") in ON_ADDRESS and not cleaned.get("ip"):
            self.add_error("ip", "This measure acts on an address: say which.")
        return cleaned

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        data = self.cleaned_data
        ip = data["ip"] if data["measure"] in ON_ADDRESS else None
        return stimuli.Proposal(by=by, measure=data["measure"], ip=ip)


class Decide(StimulusForm):
    """Yes or no to a proposal or a request."""

    name = "decide"
    decision = forms.ChoiceField(choices=(("approve", "approve"), ("reject", "reject")))
    measure = forms.ChoiceField(choices=[("", "")] + [(one, one) for one in MEASURES], required=False)
    item = forms.CharField(max_length=40, required=False)
    request = forms.CharField(max_length=200, required=False)
    fee = MinorUnits(label="Fee before it is restored", required=False)
    reason = forms.CharField(label="Why", max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if sum(bool(cleaned.get(name)) for name in ("measure", "item", "request")) != 1:
            raise forms.ValidationError("Say what is decided: one measure, one charge or one request.")
        return cleaned

    def refusal(self, case: Case) -> str:
        """What nobody waits for any more is not answered."""
        return "" if self.proposal(case) else "Nothing of that name waits any more: somebody answered, or it ended."

    def proposal(self, case: Case) -> Proposal | None:
        """What is answered on a case."""
        data = self.cleaned_data
        if data["request"]:
            return waiting_on(case).filter(kind="request", request=data["request"]).first()
        return _named(case, data["measure"], data["item"])

    def answer(self, voice: Voice) -> Answer:
        """The checked form as what a person says."""
        data = self.cleaned_data
        return Answer(data["decision"], voice, data["reason"], data["fee"])


def waiting_on(case: Case) -> QuerySet[Proposal]:
    """What waits for a yes or no on a case's service."""
    return Proposal.objects.filter(docket=case.service.docket, closed_at=None)


def _named(case: Case, measure: str, item: str) -> Proposal | None:
    kind = "measure" if measure else "charge"
    return waiting_on(case).filter(kind=kind, name=measure or item).first()


class BreakGlass(StimulusForm):
    """Whoever proposed approves alone, where nobody else can be reached."""

    name = "break-glass"
    button = "Approve alone"
    does = "It is carried out now. The team is told, and another person says afterwards whether it was right."
    measure = forms.ChoiceField(
        choices=[("", "")] + [(one, one) for one in MEASURES], required=False, widget=forms.HiddenInput
    )
    item = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(label="Why nobody else can be asked", max_length=300)

    def refusal(self, case: Case) -> str:
        """A brand may forbid it."""
        return "" if is_allowed(case.brand) else "This brand lets nobody approve alone what they proposed."

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        data = self.cleaned_data
        measure, item = data["measure"] or None, data["item"] or None
        return stimuli.Approval("approve", by, measure=measure, item=item, break_glass=data["reason"])

    def proposal(self, case: Case) -> Proposal | None:
        """What is approved alone."""
        return _named(case, self.cleaned_data["measure"], self.cleaned_data["item"])


class Judge(StimulusForm):
    """Staff verify or reject a report."""

    name = "judge"
    report = forms.UUIDField()
    verdict = forms.ChoiceField(choices=(("verify", "verify"), ("reject", "reject")))

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        report = str(self.cleaned_data["report"])
        if self.cleaned_data["verdict"] == "reject":
            return stimuli.Verification(report=report, rejected=True, by=by)
        return stimuli.Verification(report=report, assurance="verified", by=by)


class OfMeasure(StimulusForm):
    """What staff say of one measure, named by its kind and where it acts. `title` opens the form."""

    title = ""
    ends_it = False
    """Whether it ends a measure for good, which takes somebody who may approve."""
    measure = forms.ChoiceField(choices=[(one, one) for one in MEASURES], widget=forms.HiddenInput)
    ip = forms.GenericIPAddressField(required=False, widget=forms.HiddenInput)
    port = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(label="Why", max_length=300)

    def told(self, by: str) -> dict[str, Any]:
        """The fields that all stimuli about a measure have."""
        data = self.cleaned_data
        about = {"measure": data["measure"], "ip": data["ip"] or None, "port": data["port"]}
        return about | {"by": by, "reason": data["reason"]}


class ByHand(OfMeasure):
    """Staff accept that a measure was lifted outside."""

    name = "by-hand"
    title = "Accept that it was lifted by hand"
    button = "Accept"
    does = "It counts as lifted by you and is not taken again."

    def refusal(self, case: Case) -> str:
        """Only what was seen undone outside can be accepted; everything else is lifted by the policy's own ways."""
        data = self.cleaned_data
        same = Measure.objects.filter(docket=case.service.docket, kind=data["measure"], ip=data["ip"] or None)
        seen = same.filter(port=data["port"], decided="in_force", outside__drifted=True)
        return "" if seen.exists() else "Nobody undid this outside, as far as was seen; nothing is to be accepted."

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        return stimuli.LiftedByHand(**self.told(by))


class Expire(OfMeasure):
    """Staff say until when a measure stands."""

    name = "expire"
    title = "Say when it expires"
    ends_it = True
    field_order = ("hours", "reason")
    button = "Set"
    does = "Then it is lifted by itself, and read back. Empty: it stands until it is lifted."
    hours = forms.IntegerField(label="Expires in hours", min_value=1, max_value=8784, required=False)

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        hours = self.cleaned_data["hours"]
        until = timezone.now() + timedelta(hours=hours) if hours else None
        return stimuli.ExpirySet(until=until, **self.told(by))


class ToClean(OfMeasure):
    """Staff lift a measure for some hours, as long and as often as the brand lets them on the telephone."""

    name = "to-clean"
    title = "Lift to clean up"
    field_order = ("hours", "reason")
    button = "Lift for so long"
    does = "Taken again then, unless the case was closed or the measure lifted for good."
    hours = forms.IntegerField(label="Hours to clean up", min_value=1, max_value=telephone.MOST_HOURS)

    def stimulus(self, by: str) -> stimuli.LiftedToClean:
        return self.lifted(by, timezone.now())

    def lifted(self, by: str, now: datetime) -> stimuli.LiftedToClean:
        """What is said, from an instant on."""
        return stimuli.LiftedToClean(until=now + timedelta(hours=self.cleaned_data["hours"]), **self.told(by))


class StayLifted(OfMeasure):
    """What was lifted to clean up is not taken again."""

    name = "stay-lifted"
    title = "Do not take it again"
    ends_it = True
    button = "Do not take it again"

    def stimulus(self, by: str) -> stimuli.AnyStimulus:
        return stimuli.LiftedToClean(until=None, **self.told(by))


def about(form: type[OfMeasure], measure: Measure) -> OfMeasure:
    """A form about one measure."""
    made = form(initial={"measure": measure.kind, "ip": measure.ip, "port": measure.port})
    if isinstance(made, ToClean):
        made.fields["hours"].widget.attrs["max"] = most = telephone.hours(measure.brand)
        made.does = f"{made.does} At most {most} hours."
    return made


_SPOKEN = (
    Reply,
    Evidence,
    Payment,
    Cost,
    Propose,
    Decide,
    BreakGlass,
    Judge,
    ByHand,
    Expire,
    ToClean,
    StayLifted,
)
FORMS: dict[str, type[StimulusForm]] = {form.name: form for form in _SPOKEN}
