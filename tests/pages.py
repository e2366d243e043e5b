"""What the pages of the documentation hold: blocks, commands, links, headings."""

import re
import shlex
from pathlib import Path

from typer.main import get_command

from analysis.cli import app as analyze
from app.cli import app as reading_room
from magic_model.cli import app as model
from reader_study.cli import app as study

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
NOTEBOOKS = sorted(DOCS.glob("notebooks/*.ipynb"))
REFERENCE = DOCS / "commands.md"
PROGRAMS = {
    "magic-analyze": get_command(analyze),
    "magic-app": get_command(reading_room),
    "magic-model": get_command(model),
    "magic-study": get_command(study),
}

_BLOCK = re.compile(r"^( *)```([\w{}-]*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_INLINE = re.compile(r"`(magic-(?:analyze|app|model|study) [^`]+)`")


def text_of(page):
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def name_of(page):
    """The path of a page, to name its tests."""
    return str(page.relative_to(ROOT))


def blocks(page, *languages):
    """What stands in the page's code blocks of some languages."""
    return [
        b for _, language, b in _BLOCK.findall(text_of(page)) if language in languages
    ]


def commands(page):
    """Each command of a page's console blocks, with the lines shown below it."""
    for block in blocks(page, "console"):
        for part in block.split("$ ")[1:]:
            command, *shown = part.strip().splitlines()
            yield command, shown


def shell_lines(page):
    """Each line of a page's sh blocks, those that go on put together."""
    for block in blocks(page, "sh"):
        yield from block.replace("\\\n", " ").splitlines()


def program_calls(line):
    """The calls of this project's programs in a line of a shell, as lists of words."""
    words = shlex.split(line, comments=True)
    for start, word in enumerate(words):
        # A program's name is a word of its own, also after `runuser ... --`; a user may
        # bear the same name.
        if word in PROGRAMS and (start == 0 or words[start - 1] == "--"):
            ends = [
                n for n, w in enumerate(words) if n > start and w in {"&&", "|", ">"}
            ]
            yield words[start : min(ends, default=len(words))]


def inline_calls(page):
    """Programs with a command, as named within sentences."""
    prose = _BLOCK.sub("", text_of(page))
    return [" ".join(call.split()) for call in _INLINE.findall(prose)]


def command_of(words):
    """The command that words begin with, its options' names, and the words left."""
    command, rest = PROGRAMS[words[0]], list(words[1:])
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    options = {name for p in command.params for name in p.opts} | {"--help"}
    return command, options, rest


def listed_pages(page):
    """The pages that a page's hidden tables of contents list."""
    for block in blocks(page, "{toctree}"):
        for line in filter(None, block.splitlines()):
            if not line.startswith(":"):
                target = line.rpartition("<")[2].rstrip(">")
                found = [page.parent / f"{target}{end}" for end in (".md", ".ipynb")]
                yield next((p for p in found if p.exists()), found[0])


def links(page):
    """Each link's file and anchor, those to other sites left out."""
    found = _LINK.findall(_BLOCK.sub("", text_of(page)))
    return [(file, anchor) for file, anchor in found if "://" not in file]


def anchors(page):
    """Names of the page's headings, as the site gives them."""
    made = set()
    for heading in _HEADING.findall(_BLOCK.sub("", text_of(page))):
        plain = re.sub(r"[^\w\s-]", "", heading).strip().lower()
        made.add(re.sub(r"[-\s]+", "-", plain))
    return made
