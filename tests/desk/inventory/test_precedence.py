"""What holds of what several inventories say, and where they contradict each other."""

from hypothesis import given
from hypothesis import strategies as st

from abusedesk.desk.inventory.precedence import Choice, Dispute, Said, Source, weigh
from abusedesk.vocabulary.claims import Claims, CustomerClaim, HoldingClaim, ServiceClaim

IP = "192.0.2.1/32"


def holds(service: str, *more: str) -> Claims:
    return Claims(holdings=tuple(HoldingClaim(IP, one) for one in (service, *more)))


def netbox(claims: Claims, rank: int | None = 1) -> Source:
    return Source(1, "NetBox", claims, rank, rank, rank)


def proxmox(claims: Claims, rank: int | None = 2) -> Source:
    return Source(2, "Proxmox", claims, rank, rank, rank)


def test_two_that_agree_are_no_dispute() -> None:
    found = weigh([netbox(holds("s1")), proxmox(holds("s1"))], {})
    assert found.holdings[IP].claim.service == "s1"  # type: ignore[union-attr]
    assert not found.disputes


def test_the_first_by_rank_holds_and_both_are_shown() -> None:
    found = weigh([netbox(holds("s1"), rank=2), proxmox(holds("s2"), rank=1)], {})
    assert found.holdings[IP].claim.service == "s2"  # type: ignore[union-attr]
    both = (Said(2, "Proxmox", "s2"), Said(1, "NetBox", "s1"))
    assert found.disputes == (Dispute("holder", IP, both, "s2", "Proxmox is believed first"),)


def test_silence_is_no_contradiction() -> None:
    found = weigh([netbox(Claims()), proxmox(holds("s2"))], {})
    assert found.holdings[IP].inventory == 2
    assert not found.disputes


def test_one_without_a_rank_is_not_heard() -> None:
    found = weigh([netbox(holds("s1"), rank=None), proxmox(holds("s2"))], {})
    assert found.holdings[IP].inventory == 2
    assert not found.disputes


def test_one_that_says_both_is_believed_for_neither() -> None:
    found = weigh([netbox(holds("s1", "s2"))], {})
    assert IP not in found.holdings
    assert found.open_prefixes == {IP: 1}
    assert found.disputes[0].standing == ""


def test_a_persons_choice_stands_above_every_rank() -> None:
    both = (Said(1, "NetBox", "s1"), Said(2, "Proxmox", "s2"))
    found = weigh([netbox(holds("s1")), proxmox(holds("s2"))], {("holder", IP): Choice("s2", both)})
    assert found.holdings[IP].claim.service == "s2"  # type: ignore[union-attr]
    assert found.disputes[0].chosen


def test_a_choice_ends_when_a_claim_changes() -> None:
    both = (Said(1, "NetBox", "s1"), Said(2, "Proxmox", "s2"))
    found = weigh([netbox(holds("s1")), proxmox(holds("s3"))], {("holder", IP): Choice("s2", both)})
    assert found.holdings[IP].claim.service == "s1"  # type: ignore[union-attr]
    assert not found.disputes[0].chosen


def test_a_service_may_be_said_to_run_and_to_have_ended() -> None:
    runs = Claims(services=(ServiceClaim("s1", "c1"),))
    ended = Claims(services=(ServiceClaim("s1", "c1", ended=True),))
    found = weigh([netbox(ended), proxmox(runs)], {})
    assert found.services["s1"].claim.ended  # type: ignore[union-attr]
    assert [one.fact for one in found.disputes] == ["running"]


def test_the_customer_comes_from_whoever_says_one() -> None:
    silent = Claims(services=(ServiceClaim("s1", label="web"),))
    speaks = Claims(services=(ServiceClaim("s1", "c1", label="other"),))
    found = weigh([netbox(silent), proxmox(speaks)], {})
    claim = found.services["s1"].claim
    assert (claim.customer, claim.label) == ("c1", "web")  # type: ignore[union-attr]


def test_what_the_first_leaves_empty_the_next_fills() -> None:
    first = Claims(customers=(CustomerClaim("c1", "Acme"),))
    second = Claims(customers=(CustomerClaim("c1", "ACME Ltd", "jo@example.com"),))
    assert weigh([netbox(first), proxmox(second)], {}).customers == {
        "c1": CustomerClaim("c1", "Acme", "jo@example.com")
    }


HOLDINGS = st.lists(
    st.builds(HoldingClaim, st.sampled_from([IP, "192.0.2.2/32"]), st.sampled_from(["s1", "s2", "s3"])), max_size=4
)


@given(HOLDINGS, HOLDINGS)
def test_the_order_in_which_inventories_are_given_does_not_matter(
    one: list[HoldingClaim], two: list[HoldingClaim]
) -> None:
    sources = [netbox(Claims(holdings=tuple(one))), proxmox(Claims(holdings=tuple(two)))]
    assert weigh(sources, {}) == weigh(sources[::-1], {})
