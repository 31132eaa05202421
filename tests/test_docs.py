"""The documentation tells the truth: its blocks run, its tables are whole, its links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Self

import pytest

from gridcity import errors, findings
from gridcity.intake.mapping import check_mapping, read_mapping
from gridcity.profile import parse_profile, read_profile
from gridcity.store.places import places_script

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"
PAGES = sorted([*REPOSITORY.glob("*.md"), *DOCS.rglob("*.md")])
RUN = (
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            *(
                "tour",
                "concepts",
                "import",
                "formats",
                "locate",
                "responsibility",
                "duties",
                "audit",
                "repeats",
            ),
            *("profile", "python", "store"),
        )
    ),
)
LANGUAGES = {"console", "python", "sh", "text", "toml"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    found = []
    lines = page.read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if opened is None:
            opened = number
        else:
            text = "\n".join(lines[opened + 1 : number]) + "\n"
            found.append(Block(lines[opened].removeprefix("```").strip(), text, opened + 1))
            opened = None
    assert opened is None, f"{page.name}: the block of line {opened} is not closed"
    return found


def named(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


class Shell:
    """One bash for a page, so that variables live on from one block to the next, as for a reader."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "GRIDCITY_CITY"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        self._mark = uuid.uuid4().hex
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def run(self, command: str) -> str:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\n_s=$?; echo {self._mark}; (exit $_s)\n")
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.strip() == self._mark:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"bash ended in: {command}\n{''.join(lines)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.communicate("exit\n", timeout=60)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with the output that the page shows."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"line {block.line}: a console block begins with a command"
    for part in parts[1:]:
        lines = part.splitlines(keepends=True)
        command = lines.pop(0)
        while command.endswith("\\\n"):
            command += lines.pop(0)
        yield command.rstrip("\n"), "".join(lines)


def check_python(block: Block, where: str, names: dict[str, object]) -> None:
    examples = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line)
    assert examples.examples, f"{where}:{block.line}: a python block shows >>> and what it prints"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples, out=said.append, clear_globs=False)
    names.update(examples.globs)
    assert not said, f"{where}:{block.line}\n{''.join(said)}"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return what a reader has who stands in the root of a fresh clone."""
    shutil.copytree(REPOSITORY / "sample_data", tmp_path / "sample_data")
    shutil.copy(REPOSITORY / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "--all"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRIDCITY_CITY", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", RUN)
def test_every_command_and_python_block_of_a_page_prints_what_the_page_shows(
    name: str, workplace: Path
) -> None:
    """A reader who types what the page says sees what it shows, and the clone stays clean for git."""
    names: dict[str, object] = {}
    checker = doctest.OutputChecker()
    with Shell(workplace) as shell:
        for block in blocks(REPOSITORY / name):
            if block.language == "python":
                check_python(block, name, names)
            if block.language == "console":
                for command, expected in commands(block):
                    found = shell.run(command)
                    same = not expected or checker.check_output(expected, found, FLAGS)
                    assert same, f"{name}:{block.line}\n$ {command}\n--- shown\n{expected}--- found\n{found}"
                    assert "Traceback" not in found, f"{name}:{block.line}\n$ {command}\n{found}"
        assert not re.findall(r"^\?\? .*", shell.run("git status --porcelain"), flags=re.MULTILINE), name


def test_the_pages_can_be_followed_one_after_the_other_in_one_clone() -> None:
    """No two pages make a city under one name, for `gridcity init` leaves a city that exists alone."""
    made = [
        city
        for name in RUN
        for block in blocks(REPOSITORY / name)
        if block.language == "console"
        for city in re.findall(r"gridcity init (\S+)(?!.* --update)", block.text)
    ]
    assert len(made) > 3
    assert len(made) == len(set(made))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_runs_or_is_marked_as_something_that_does_not(page: Path) -> None:
    """No page has a console or python block that no test runs, nor a block of another language."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{named(page)}:{block.line}: {block.language!r}"
        if block.language in ("console", "python"):
            # The Chinese README has the same blocks, which a test of its own says.
            assert named(page) in (*RUN, "README.zh-CN.md"), f"{named(page)}:{block.line} is not run"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_file(page: Path) -> None:
    """No relative link of a page is dead."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{named(page)} links to {target}"


def test_every_page_is_listed_in_the_index() -> None:
    """A page of docs/ that docs/README.md does not link to does not exist."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        assert page.name == "README.md" or f"]({page.relative_to(DOCS).as_posix()})" in index, page


def build_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_docs", REPOSITORY / "scripts" / "build_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_what_the_code_says() -> None:
    """docs/cli.md, docs/findings.md and docs/errors.md are up to date: run scripts/build_docs.py."""
    assert build_docs().stale() == []


def test_every_rule_and_every_exception_has_its_line() -> None:
    """No rule and no exception is without a line in its page."""
    rules = (DOCS / "findings.md").read_text(encoding="utf-8")
    classes = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert [rule for rule in findings.RULES if f"| `{rule}` |" not in rules] == []
    kinds = [name for name in errors.__all__ if isinstance(getattr(errors, name), type)]
    assert [name for name in kinds if f"| `{name}` |" not in classes] == []


def stored_columns() -> dict[str, list[str]]:
    schema = REPOSITORY / "gridcity" / "store" / "schema" / "city.sql"
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.read_text(encoding="utf-8") + places_script())
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for table in tables
        if not table.startswith("sqlite_")
    }
    connection.close()
    return found


def test_every_table_and_column_of_the_store_is_described() -> None:
    """docs/store.md has a section for every table and a row for every column, and none too many."""
    text = (DOCS / "store.md").read_text(encoding="utf-8")
    described = {
        table: re.findall(r"^\| `(\w+)` \|", body, flags=re.MULTILINE)
        for table, body in re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    }
    assert described == stored_columns()


def test_every_type_and_column_of_the_glossary_exists() -> None:
    """Each row of the glossary names a class, function, option or column that is there."""
    text = (DOCS / "concepts.md").read_text(encoding="utf-8")
    glossary = text.split("## Glossary", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1:-1] for line in glossary.splitlines() if line.startswith("| ")][1:]
    columns = stored_columns()
    assert len(rows) > 25
    for chinese, english, kind in rows:
        assert chinese.strip() and english.strip(), (chinese, english)
        for name in re.findall(r"`([^`]+)`", kind):
            module, _, attribute = name.rpartition(".")
            if module:
                assert attribute in columns.get(module, ()) or exists(name), name
            else:
                assert name in columns, name


def exists(dotted: str) -> bool:
    """Tell whether gridcity has a class, function, constant or field of this name."""
    module, _, rest = f"gridcity.{dotted}".rpartition(".")
    try:
        owner: object = importlib.import_module(module)
    except ModuleNotFoundError:
        module, _, middle = module.rpartition(".")
        owner = getattr(importlib.import_module(module), middle)
    return hasattr(owner, rest)


def test_the_decision_about_storeys_draws_those_of_the_contract() -> None:
    """Each module of the import contract stands in the drawing of decision 0001."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    (drawing, *_) = blocks(DOCS / "decisions" / "0001-storeys-and-import-contract.md")
    drawn = set(re.findall(r"[a-z]+", drawing.text))
    assert {name for layer in layers for name in re.findall(r"[a-z]+", layer)} <= drawn


def toml_blocks() -> Iterator[tuple[str, Block]]:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "toml":
                yield named(page), block


def test_every_toml_block_is_a_profile_or_a_mapping(tmp_path: Path) -> None:
    """The profiles and mappings that the pages show are read without a complaint."""
    kinds = set()
    for name, block in toml_blocks():
        if "city" in tomllib.loads(block.text):
            parse_profile(block.text, where=f"{name}:{block.line}").catalogues()
            kinds.add("profile")
        else:
            file = tmp_path / "mapping.toml"
            file.write_text(block.text, encoding="utf-8")
            check_mapping(read_mapping(file), "component")
            kinds.add("mapping")
    assert kinds == {"profile", "mapping"}


def test_every_key_of_a_profile_is_described() -> None:
    """docs/profile.md shows each key that a profile may have."""
    from gridcity.profile import reading as profile

    text = (DOCS / "profile.md").read_text(encoding="utf-8")
    keys = {key for table in profile._TABLES.values() for key in table} | profile._CLASS_KEYS
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_the_sample_profile_needs_nothing_that_the_pages_do_not_explain() -> None:
    """The tour's profile is one that the installed gridcity reads."""
    assert read_profile(REPOSITORY / "sample_data" / "profile.toml").area_code == "110101"


def test_both_readmes_show_the_same_commands_and_link_to_one_another() -> None:
    """The Chinese README has the blocks of the English one, comments aside."""
    english, chinese = REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"
    assert [block[:2] for block in blocks(english)] == [block[:2] for block in blocks(chinese)]
    assert "](README.zh-CN.md)" in english.read_text(encoding="utf-8")
    assert "](README.md)" in chinese.read_text(encoding="utf-8")


def test_the_readme_has_two_install_commands_of_one_line_each() -> None:
    """Command (a) installs and runs the demo, command (b) installs and runs the tests."""
    lines = [block.text.strip() for block in blocks(REPOSITORY / "README.md") if block.language == "sh"]
    assert [line.count("\n") for line in lines] == [0, 0]
    assert lines[0].endswith("gridcity demo")
    assert "pytest" in lines[1] and "[test]" in lines[1]


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """.ci/run reads its test command out of README.md: what it would run is the README's second line."""
    script = REPOSITORY / ".ci" / "run"
    said = subprocess.run([script, "--show"], capture_output=True, text=True, check=True, timeout=30)
    (_, tests) = [block.text.strip() for block in blocks(REPOSITORY / "README.md") if block.language == "sh"]
    assert said.stdout.strip() == tests


def test_the_pages_speak_of_the_project_alone() -> None:
    """No page names a folder outside the repository, but for the one that CONTRIBUTING explains."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        outside = "shared/data" in text.replace("../shared/data", "") or "/home/" in text or "/tmp/" in text
        assert not outside, named(page)
        assert page.name == "CONTRIBUTING.md" or "../shared" not in text, named(page)
