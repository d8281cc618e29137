"""`abusedesk brand`: a brand is made and changed without a shell of the framework, and nothing wrong is saved."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from abusedesk.cli import brand
from abusedesk.desk.decide import settings_of
from abusedesk.problem import Problem
from abusedesk.records.models import Brand, BrandAddress

pytestmark = pytest.mark.django_db

EXAMPLE = Path(__file__).parents[2] / "docs/how-to/example-pack"
ADD = ("add", "acme", "--name", "Acme Hosting", "--pack", "scalibit", "--sender", "abuse@acme.example.net")


@pytest.fixture(autouse=True)
def _in_this_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command opens a session of its own; here the test's is open already."""
    from contextlib import nullcontext

    monkeypatch.setattr(brand, "session", nullcontext)


def run(*arguments: str) -> None:
    assert brand.run(list(arguments)) == 0


def acme() -> Brand:
    return Brand.objects.get(slug="acme")


def test_a_brand_is_made_with_its_own_address(capsys: pytest.CaptureFixture[str]) -> None:
    run(*ADD, "--in-force-from", "2026-01-01", "--language", "en")

    one = acme()
    assert (one.name, one.pack, str(one.in_force_from)) == ("Acme Hosting", "scalibit", "2026-01-01 00:00:00+00:00")
    assert BrandAddress.objects.get().address == "abuse@acme.example.net"
    assert "in force from 2026-01-01" in capsys.readouterr().out


def test_a_pack_of_ones_own_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(EXAMPLE, tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    run(*ADD[:5], "own", *ADD[6:])
    assert acme().pack == str(tmp_path / "own")


def test_a_pack_with_faults_is_no_policy_to_begin_with(tmp_path: Path) -> None:
    copytree(EXAMPLE, tmp_path / "own")
    text = (tmp_path / "own/pack.yaml").read_text(encoding="utf-8")
    (tmp_path / "own/pack.yaml").write_text(text.replace("    needs: authenticated\n", "", 1), encoding="utf-8")
    with pytest.raises(
        Problem, match=r"pack\.yaml:\d+:\d+: error: the rule 'nuisance' does this for a report that nobody"
    ):
        run(*ADD[:5], str(tmp_path / "own"), *ADD[6:])
    assert not Brand.objects.exists()


def test_settings_are_safeguards_and_parameters_and_can_be_taken_away() -> None:
    run(*ADD)
    run(
        "set", "acme", "--setting", "blast_radius=5", "--setting", "reply_period=P1D", "--setting",
        "large_scale_events=50", "--setting", "limitation.spam=P30D",
    )  # fmt: skip
    settings = settings_of(acme())
    assert settings.blast_radius == 5
    assert settings.overrides == {"reply_period": "P1D", "large_scale_events": 50, "limitation": {"spam": "P30D"}}

    run("set", "acme", "--setting", "blast_radius=", "--setting", "limitation.spam=", "--setting", "reply_period=")
    assert settings_of(acme()).blast_radius == 20
    assert settings_of(acme()).overrides == {"large_scale_events": 50}


def test_a_kind_of_measure_is_given_an_end_and_freed_of_it() -> None:
    run(
        *ADD,
        "--setting",
        "expires.null_route=PT24H",
        "--setting",
        "expires.suspend=P7D",
        "--setting",
        "carrying=narrow",
    )
    settings = settings_of(acme())
    assert (settings.expires, settings.carrying) == ({"null_route": "PT24H", "suspend": "P7D"}, "narrow")
    run("set", "acme", "--setting", "expires.null_route=", "--setting", "expires.suspend=")
    assert (settings_of(acme()).expires, "expires" in acme().settings) == ({}, False)


def test_a_chain_is_tried_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "actuators.json"
    file.write_text('{"suspend": [{"actuator": "console", "within": "PT30S"}, {"actuator": "webhok"}]}')
    run(*ADD)
    with pytest.raises(Problem, match="suspend: no actuator is called 'webhok'"):
        brand.run(["set", "acme", "--actuators", str(file)])
    file.write_text('{"suspend": [{"actuator": "console", "within": "soon"}]}')
    with pytest.raises(Problem, match="suspend: within cannot be 'soon'"):
        brand.run(["set", "acme", "--actuators", str(file)])
    assert acme().actuators == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--setting", "expires.terminate=PT1H"), "after the dot stands one of suspend"),
        (("--setting", "expires.suspend=soon"), "expires.suspend cannot be 'soon'"),
        (("--setting", "mass_expiry=many"), "it is a whole number"),
        (("--pack", "jimclod"), "there is no policy 'jimclod'"),
        (("--sender", "nobody"), "--sender: Enter a valid email address"),
        (("--setting", "reply_perid=P1D"), "has no parameter 'reply_perid'"),
        (("--setting", "reply_period=soon"), "'reply_period' cannot be 'soon'"),
        (("--setting", "blast_radius=many"), "it is a whole number"),
        (("--setting", "suspend_fine=-20.00"), "no parameter is less than zero"),
        (("--setting", "acknowledge=sometimes"), "it is off, known or everybody"),
        (("--setting", "irreversible"), "has no `=`"),
        (("--language", "fr"), "no notices in 'fr'"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_saved(arguments: tuple[str, ...], said: str) -> None:
    run(*ADD)
    before = Brand.objects.values().get()

    with pytest.raises(Problem, match=said):
        run("set", "acme", "--name", "Another", *arguments)

    assert Brand.objects.values().get() == before


def test_two_brands_do_not_share_a_slug_or_an_address() -> None:
    run(*ADD)
    with pytest.raises(Problem, match="there is a brand 'acme' already"):
        run(*ADD)
    run("add", "other", "--name", "Other", "--pack", "jimcloud", "--sender", "abuse@other.example.net")
    with pytest.raises(Problem, match="is an address of 'acme'"):
        run("address", "other", "Abuse@acme.example.net")


def test_addresses_come_and_go() -> None:
    run(*ADD)
    run("address", "acme", "Legal@acme.example.net", "--kind", "legal")
    assert set(BrandAddress.objects.values_list("address", "kind")) == {
        ("abuse@acme.example.net", "abuse"), ("legal@acme.example.net", "legal"),
    }  # fmt: skip
    run("address", "acme", "legal@acme.example.net", "--remove")
    assert BrandAddress.objects.count() == 1


def test_actuators_are_tried_before_they_are_saved(tmp_path: Path) -> None:
    run(*ADD)
    file = tmp_path / "actuators.json"
    wanted = {"default": {"actuator": "webhook", "url": "https://panel.example.net/x", "secret": "s" * 32}}
    file.write_text(json.dumps(wanted))
    run("set", "acme", "--actuators", str(file))
    assert acme().actuators == wanted

    for text, said in (
        ('{"suspend": {"actuator": "webhok"}}', "no actuator is called 'webhok'"),
        ('{"suspended": {}}', "there is no measure 'suspended'"),
        ("[]", "must map kinds of measures"),
        ("{", "is no JSON"),
    ):
        file.write_text(text)
        with pytest.raises(Problem, match=said):
            run("set", "acme", "--actuators", str(file))
    assert acme().actuators == wanted


def test_all_brands_and_one_in_full_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    run("show")
    assert "no brand yet" in capsys.readouterr().out
    run(*ADD)
    capsys.readouterr()
    run("show")
    assert capsys.readouterr().out.split()[:2] == ["acme", "Acme"]
    run("show", "acme")
    assert "abuse@acme.example.net (abuse)" in capsys.readouterr().out
