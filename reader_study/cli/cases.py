"""Commands `magic-study case`: withdraw one, list its pseudo-IDs."""

from typing import Annotated

import typer

from reader_study.cli import options

case = typer.Typer(help="Cases: withdraw one, list its pseudo-IDs.")
case.callback(invoke_without_command=True)(options.show_help)


@case.command("withdraw")
def withdraw(
    folder: options.Folder,
    names: Annotated[
        list[str], typer.Argument(help="Pseudo-ID of the case; further ones of it.")
    ],
    reason: options.Reason,
    by: options.By,
    database: options.Database = None,
) -> None:
    """Show a case no more; it counts as missing for all, and is a deviation."""
    from reader_study.reading.recording import short_code

    with options.opened(folder, database) as s:
        head = s.withdraw_case(names, reason=reason, by=by)
    print(
        f"Withdrawn: {', '.join(names)}. Entry {short_code(head)}\n"
        "At unblinding each reading of the case counts as missing. Under pseudo-IDs "
        "of it that were not given it is still shown; the keeper of the key lists "
        "them: magic-study case names"
    )


@case.command("names")
def names(
    folder: options.Folder,
    name: Annotated[str, typer.Argument(help="One pseudo-ID, or its name.")],
    key: options.Key,
    passphrase_file: options.PassphraseFile = None,
) -> None:
    """List all pseudo-IDs of a case that shall be withdrawn; needs the key."""
    from reader_study import api

    passphrases = options.passphrases_of(passphrase_file)
    with api.open_study(folder) as s:
        print(*s.names_of_case(name, key, passphrase=passphrases))
