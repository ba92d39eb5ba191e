"""What the documents say is so: links lead somewhere, commands exist, quoted help is the real help."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = ROOT / ".venv" / "bin" / "receipt-service"

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def links(path: Path) -> Iterator[str]:
    for match in LINK.finditer(CODE.sub("", prose(path))):
        yield match[1] or match[2]


def slug(heading: str) -> str:
    """GitHub's anchor of a heading."""
    text = re.sub(r"[`*_]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def anchors(path: Path) -> set[str]:
    return {slug(line.lstrip("#")) for line in prose(path).splitlines() if line.startswith("#")}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_somewhere(path):
    lost = []
    for link in links(path):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(link)

    assert lost == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_no_link_leaves_the_project(path):
    """../shared is not part of a clone; a document may name it, not lean on it."""
    assert [
        link
        for link in links(path)
        if (path.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT.parent / "shared")
    ] == []


def command_lines(path: Path) -> Iterator[str]:
    """Every command that a document shows: `inline`, and the lines of ```sh and ```console blocks."""
    for language, body in FENCE.findall(path.read_text()):
        if language in {"sh", "bash", "console"}:
            for line in body.replace("\\\n", " ").splitlines():
                yield line.removeprefix("$ ").partition(" #")[0].strip()
    yield from CODE.findall(prose(path))


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_make_targets_exist(path):
    wanted = {
        word
        for line in command_lines(path)
        if line.startswith("make ")
        for word in line.split()[1:]
        if re.fullmatch(r"[a-z-]+", word)
    }

    assert wanted - make_targets() == set()


@cache
def help_of(*words: str) -> str:
    return subprocess.run([COMMAND, *words, "--help"], check=True, capture_output=True, text=True, cwd=ROOT).stdout


@cache
def commands_of(*words: str) -> frozenset[str]:
    """The sub-commands that a command's help lists."""
    _, _, listed = help_of(*words).partition("Commands:\n")
    return frozenset(line.split()[0] for line in listed.splitlines() if re.match(r"  \S", line))


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_commands_exist(path):
    unknown = []
    for line in command_lines(path):
        if not re.match(r"(\.venv/bin/)?receipt-service( |$)", line):
            continue
        words = shlex.split(line.partition("|")[0].partition(">")[0].partition("#")[0])[1:]
        path_so_far: list[str] = []
        for word in words:
            known = commands_of(*path_so_far)
            if not known:
                break
            if word.startswith("-"):
                break
            if word not in known:
                unknown.append(line)
                break
            path_so_far.append(word)

    assert unknown == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_quoted_help_is_the_real_help(path):
    for language, body in FENCE.findall(path.read_text()):
        first, _, quoted = body.partition("\n")
        if language == "console" and first.startswith("$ receipt-service") and first.endswith("--help"):
            words = first.split()[2:-1]
            assert quoted.strip() == help_of(*words).strip(), f"make the excerpt anew: {first}"


def test_files_that_documents_name_exist():
    """A path in backquotes that begins with one of our folders is a path in this tree."""
    folders = "receipt_service|schemas|tests|docs|deploy"
    made = set((ROOT / ".gitignore").read_text().split())  # by whoever deploys, not in a clone
    lost = [
        f"{named(path)}: {name}"
        for path in DOCUMENTS
        for name in CODE.findall(prose(path))
        if re.match(rf"({folders})/[\w./-]+$", name) and not (ROOT / name).exists() and not {name, f"{name}/"} & made
    ]

    assert lost == []


def test_every_document_is_in_the_index():
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}

    assert [
        named(path) for path in DOCUMENTS if path.parent == index.parent and path != index and path not in linked
    ] == []


def test_documents_that_the_code_names_exist():
    sources = [*(ROOT / "receipt_service").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "pyproject.toml"]
    cited = {name for path in sources for name in re.findall(r"docs/[\w/-]+\.md", path.read_text())}

    assert [name for name in sorted(cited) if not (ROOT / name).exists()] == []


def test_changelog_keeps_to_its_form():
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))

    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
