"""The house keeps its own habits."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "abusedesk").rglob("*.py"))
NAMED_ADDRESS = re.compile(
    r"https?://(?!(?:127\.0\.0\.1|localhost|\[::1\]))[^\s\"'`)>]*(?:pypi|pythonhosted|npmjs|debian\.org)"
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines()]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is(source: Path) -> None:
    if source.parent.name == "migrations":
        return
    assert ast.get_docstring(ast.parse(source.read_text())), f"{source.name} has no module docstring"


def test_no_registry_is_named_in_the_repository() -> None:
    texts = [
        path
        for path in tracked()
        if path.suffix in {".txt", ".toml", ".md", ".py", ".yaml", ".cfg", ""} and path.is_file()
    ]
    named = [path.name for path in texts if NAMED_ADDRESS.search(path.read_text(errors="ignore"))]
    assert not named


def test_the_engine_knows_no_provider() -> None:
    engine = "\n".join(path.read_text() for path in (ROOT / "src/abusedesk/policy").rglob("*.py"))
    assert not re.search(r"jimcloud|scalibit", engine, re.IGNORECASE)


def test_the_pure_packages_fetch_nothing() -> None:
    pure = [
        path for name in ("policy", "parsing", "vocabulary") for path in (ROOT / "src/abusedesk" / name).rglob("*.py")
    ]
    imported = {
        f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
        for path in pure
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not {name for name in imported if name.startswith(("urllib.request", "http.", "ftplib", "socket"))}


def test_migrations_follow_one_another_in_one_line() -> None:
    assert not MigrationLoader(None).detect_conflicts()
