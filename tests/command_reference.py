"""The page of all commands, from what they say of themselves."""

import subprocess
import sys

COMMANDS = {
    "magic-model": "magic_model.cli",
    "magic-study": "reader_study.cli",
    "magic-app": "app.cli",
    "magic-analyze": "analysis.cli",
}
HEAD = """# Commands

Made by `make docs` from what each command says of itself with `--help`.
"""


def reference():
    """Give the page as Markdown."""
    pages = [HEAD]
    for name, module in COMMANDS.items():
        call = [sys.executable, "-m", "typer", module, "utils", "docs", "--name", name]
        page = subprocess.run(call, check=True, capture_output=True, text=True).stdout
        # One heading a page; and usage is no example that a test could run.
        lines = (line.rstrip() for line in page.splitlines())
        deeper = "\n".join(f"#{x}" if x.startswith("#") else x for x in lines)
        pages.append(deeper.replace("```console\n$ ", "```\n").strip() + "\n")
    return "\n".join(pages)


if __name__ == "__main__":
    sys.stdout.write(reference())
