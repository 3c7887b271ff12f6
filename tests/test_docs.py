"""What the documents tell a reader to type, open or change exists."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from seodang.cli.main import cli
from seodang.data.verify.section import CHECKS
from seodang.pipeline.recipe import Recipe

ROOT = Path(__file__).parent.parent
READMES = ["README.md", "README.ko.md"]
GUIDES = sorted(path.relative_to(ROOT).as_posix() for folder in ("docs", "design") for path in (ROOT / folder).glob("*.md"))
DOCUMENTS = [*READMES, "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", *GUIDES]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str = r"\w*") -> list[str]:
    """The bodies of fenced blocks."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def whole_commands(text: str) -> list[str]:
    """The command lines of the blocks, without their comments."""
    lines = [line.strip() for body in blocks(text) for line in body.splitlines()]
    return [line for line in lines if re.match(r"seodang(\s|$)", line)]


def mentioned_commands(text: str) -> list[str]:
    return re.findall(r"`(seodang [^`]+)`", prose(text))


def parse(line: str) -> None:
    """Click's UsageError where a command, an option or an argument of the line does not exist or is missing."""
    command: click.Command = cli
    arguments = shlex.split(line, comments=True)[1:]
    context: click.Context | None = None
    while True:
        try:
            context = command.make_context(command.name, list(arguments), parent=context)
        except click.exceptions.Exit:  # --help and --version
            return
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        _, found, arguments = command.resolve_command(context, rest)
        assert found is not None
        command = found


def anchors(text: str) -> set[str]:
    """The places that a link into a document may name, as GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_line_parses(name: str) -> None:
    for line in whole_commands(read(name)):
        parse(re.sub(r"--\w+ [A-Z]+/\S+", "", line))  # a path with a placeholder


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_sentence_exists(name: str) -> None:
    """Its arguments may be left out there, its options may not be made up."""
    for line in mentioned_commands(read(name)):
        try:
            parse(line)
        except click.MissingParameter:
            continue


WRONG = ["seodang teach", "seodang chat", "seodang chat r --armm base", "seodang runs prun", "seodang serve r --port x"]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_does_not_parse(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line)


@pytest.mark.parametrize("name", READMES)
def test_the_readmes_show_commands(name: str) -> None:
    """Every command of the program is shown, so that the tests above have something to check."""
    shown = {shlex.split(line, comments=True)[1] for line in whole_commands(read(name))}
    assert shown == set(cli.list_commands(click.Context(cli)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    text = read(name)
    shown = re.findall(r"^make ([a-z]+)", "\n".join(blocks(text)), re.MULTILINE) + re.findall(r"`make ([a-z]+)`", prose(text))
    assert set(shown) <= targets


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(read(name))):
        if not re.match(r"[a-z]+:", target):
            path, _, place = target.partition("#")
            linked = (ROOT / name).parent / path if path else ROOT / name
            assert linked.exists(), target
            assert not place or place in anchors(linked.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_of_the_repository_exists(name: str) -> None:
    """Paths in code marks, but for those with a placeholder in capitals or a pattern."""
    for path in re.findall(r"`((?:src|tests|recipes|packs|scripts|docs)/[\w./-]+)`", prose(read(name))):
        if not re.search(r"[A-Z]{3}|my_docs", path):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", READMES)
def test_every_piece_of_a_recipe_is_one(name: str) -> None:
    """Each YAML block, put over the demo's recipe, is a recipe; a key that does not exist is refused."""
    demo: dict[str, Any] = yaml.safe_load(read("recipes/telecom_demo.yaml"))
    pieces = blocks(read(name), "yaml")
    assert pieces
    for piece in pieces:
        Recipe.model_validate({**demo, **yaml.safe_load(piece)})


@pytest.mark.parametrize("name", READMES)
def test_every_python_example_compiles(name: str) -> None:
    for body in blocks(read(name), "python"):
        compile(body, name, "exec")


def test_both_readmes_have_the_same_parts() -> None:
    """Equal headings in number and depth, equal blocks of code but for comments, and equally many rows of tables."""
    english, korean = (read(name) for name in READMES)
    depths = [re.findall(r"^(#+) ", prose(text), re.MULTILINE) for text in (english, korean)]
    assert depths[0] == depths[1]
    code = [[re.sub(r"\s*#.*", "", line) for body in blocks(text) for line in body.splitlines()] for text in (english, korean)]
    assert code[0] == code[1]
    rows = [len(re.findall(r"^\|", text, re.MULTILINE)) for text in (english, korean)]
    assert rows[0] == rows[1]


def test_the_architecture_names_the_rooms_that_exist() -> None:
    """Its table, the folders of the package and the layers of import-linter agree."""
    folders = {path.parent.name for path in (ROOT / "src/seodang").glob("*/__init__.py")}
    table = set(re.findall(r"^\| \[(\w+)\]\(src/seodang/\w+\)", read("ARCHITECTURE.md"), re.MULTILINE))
    contract = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    assert table == folders
    assert set(re.findall(r"\w+", " ".join(contract["layers"]))) == folders


def test_the_readmes_explain_every_check_in_its_order() -> None:
    for name in READMES:
        assert tuple(re.findall(r"^\| \[(\w+)\]\(src/seodang/data/verify/", read(name), re.MULTILINE)) == CHECKS
