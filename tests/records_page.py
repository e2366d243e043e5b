"""The page on data protection, from the requirements of a dossier."""

import sys
import textwrap

from analysis.dossier import requirements

_COLUMNS = 100
_ABOUT = (
    "What 21 CFR Part 11, ICH E6(R3) and the GDPR ask of the computer part of a reader "
    "study, in this project's words; what answers it, the command and the tests of the "
    "source that show it, and what is missing. It is no legal advice, and a program "
    "alone complies with nothing: an organisation does. The same table is part of a "
    "[dossier](../how-to/register-and-report.md), and this page is made from it by "
    "`python -m tests.records_page`."
)


def page():
    """The page as Markdown."""
    lines = [
        "# Method: data protection and electronic records",
        "",
        *textwrap.wrap(_ABOUT, _COLUMNS),
        "",
        "| where | asks for | what answers it | shown by | missing here |",
        "|---|---|---|---|---|",
    ]
    for one in requirements.requirements():
        seen = [f"`{text}`" for text in filter(None, [one.command, *one.tests])]
        cells = (one.law, one.asks, one.mechanism, "<br>".join(seen), one.missing)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Erasure and a log that nothing can be taken out of", ""]
    for paragraph in requirements.erasure():
        lines += [*textwrap.wrap(paragraph, _COLUMNS), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
