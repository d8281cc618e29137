"""`abusedesk policy publish` as its users meet it."""

from pathlib import Path

import pytest

from abusedesk.policy.author.change import new_version
from abusedesk.policy.author.pack_zip import zip_of
from abusedesk.policy.pack import find_pack, pack_files
from abusedesk.records.models import Brand, Publication
from tests.cli.test_main import abusedesk
from tests.desk.estate import NOW, provider

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> dict[str, str]:
    provider()
    return {"ABUSEDESK_DATA": str(tmp_path), "ABUSEDESK_DATABASE_URL": database_url}


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """JimCloud's pack without its cases, with four hours to reply from the year 2100 on."""
    files = {name: data for name, data in pack_files(find_pack("jimcloud")).items() if not name.startswith("cases/")}
    text = new_version(files["pack.yaml"].decode(), NOW.replace(year=2100), {"reply_period": "PT4H"})
    for name, data in {**files, "pack.yaml": text.encode()}.items():
        path = tmp_path / "changed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "changed"


def test_one_proposes_and_another_approves(settings: dict[str, str], changed: Path) -> None:
    proposed = abusedesk("policy", "publish", str(changed), "--by", "alice", "--note", "faster", **settings)
    assert proposed.returncode == 0, proposed.stderr
    lines = proposed.stdout.splitlines()
    number = str(Publication.objects.get().pk)
    assert lines[0].startswith(f"publication {number} for jim, proposed by alice at ")
    assert "  8.b: the reply period is 4 hours instead of 6 hours from 2100-03-02T12:00:00Z" in lines
    assert f"abusedesk policy publish --approve {number} --by NAME" in lines[-1]
    assert abusedesk("policy", "publish", "--list", **settings).stdout.splitlines() == lines[:-1]
    alone = abusedesk("policy", "publish", "--approve", number, "--by", "alice", **settings)
    assert (alone.returncode, "another person must approve it" in alone.stderr) == (2, True)
    done = abusedesk("policy", "publish", "--approve", number, "--by", "bob", **settings)
    assert (done.returncode, done.stdout) == (0, f"publication {number} for jim: published by bob\n"), done.stderr
    assert Brand.objects.get().published_id == Publication.objects.get().pack_id
    assert abusedesk("policy", "publish", "--list", **settings).stdout == "nothing waits for a decision\n"


def test_a_zip_does_as_well_and_a_proposal_is_withdrawn_or_rejected(settings: dict[str, str], changed: Path) -> None:
    file = changed.with_suffix(".zip")
    file.write_bytes(zip_of(pack_files(changed)))
    for end, by, state in (("--withdraw", "alice", "withdrawn"), ("--reject", "bob", "rejected")):
        put = abusedesk("policy", "publish", str(file), "--brand", "jim", "--by", "alice", "--note", "x", **settings)
        assert put.returncode == 0, put.stderr
        number = str(Publication.objects.get(state="proposed").pk)
        done = abusedesk("policy", "publish", end, number, "--by", by, "--note", "no", **settings)
        assert (done.returncode, done.stdout) == (0, f"publication {number} for jim: {state} by {by}\n"), done.stderr


def test_what_rewrites_the_past_wants_to_be_meant(settings: dict[str, str], changed: Path) -> None:
    path = changed / "pack.yaml"
    text = path.read_text(encoding="utf-8")
    was = "reply_period: {clause: 8.b, values: {2022-06-07: PT6H"
    assert was in text
    path.write_text(text.replace(was, was.replace("PT6H", "PT5H")), encoding="utf-8")
    given = ("policy", "publish", str(changed), "--by", "alice", "--note", "x")
    refused = abusedesk(*given, **settings)
    assert refused.returncode == 1
    assert "  in the version '2022-06-07': 8.b: the reply period is 5 hours instead of 6 hours" in refused.stderr
    meant = abusedesk(*given, "--rewrite", **settings)
    assert meant.returncode == 0, meant.stderr
    assert "  in force already, and meant: in the version '2022-06-07'" in meant.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give either the folder"),
        (("jimcloud", "--list"), "give either the folder"),
        (("jimcloud", "--brand", "jam", "--by", "a", "--note", "x"), "there is no brand 'jam'; there are jim"),
        (("jimcloud", "--by", "a", "--note", "x"), "nothing would change"),
        (("nowhere", "--by", "a", "--note", "x"), "there is no policy 'nowhere'"),
        (("--approve", "99", "--by", "a"), "there is no publication 99"),
        (("jimcloud", "--note", "x"), "say who"),
    ],
)
def test_what_cannot_be_is_one_line(settings: dict[str, str], arguments: tuple[str, ...], words: str) -> None:
    done = abusedesk("policy", "publish", *arguments, **settings)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
