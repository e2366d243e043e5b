"""The command `magic-app`: parse, call, print."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reader_study.cli_version import add_version
from reader_study.errors import StudyError

app = typer.Typer(
    name="magic-app",
    help="Browser pages of a reader study. Research use only.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
add_version(app)

_EXTRAS = {"pydicom": "dicom", "safetensors": "model", "torch": "model"}
"""Which extra brings a package that the explorer may miss."""

DEMO_FOLDER = Path("reading-demo")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        status = app(None if argv is None else list(argv), standalone_mode=False)
    except typer.Abort:
        return _fail("given up")
    except typer.TyperException as error:
        return _fail(error.format_message())
    except StudyError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in _EXTRAS:
            raise
        return _fail(f"{name} is not installed; install magic-ctp[{_EXTRAS[name]}]")
    return status if isinstance(status, int) else 0


@app.command()
def read(
    study: Annotated[
        Path | None, typer.Argument(help="Folder of the built study.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8501,
    database: Annotated[
        str | None,
        typer.Option(help="URL, sqlite:///... or postgresql://...; else the study's."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make a small study and open that.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="Name behind a proxy; the loopback's no more. Repeatable."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="Secret shared by all processes; made if missing."),
    ] = None,
    oidc: Annotated[
        Path | None,
        typer.Option(help="TOML of hospital accounts and their readers."),
    ] = None,
) -> None:
    """Serve a study to its readers, on this machine only, or to a proxy on it."""
    from app.commands.read import Serving, prepare, prepare_demo, run

    serving = Serving(port, tuple(allowed_host or ()), secret_file, oidc)
    if demo:
        folder = study or DEMO_FOLDER
        print(prepare_demo(folder, serving))
        run(folder / "STUDY", None, serving)
        return
    if study is None:
        msg = "A study's folder must be given, or --demo, got none"
        raise StudyError(msg)
    print(prepare(study, database, serving))
    run(study, database, serving)


@app.command()
def monitor(
    study: Annotated[Path, typer.Argument(help="Folder of the built study.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8502,
    database: Annotated[
        str | None,
        typer.Option(help="URL, sqlite:///... or postgresql://...; else the study's."),
    ] = None,
) -> None:
    """Serve the coordinator's desk: progress and codes, never an answer by method."""
    from app.commands.monitor import prepare, run

    print(prepare(study, port, database))
    run(study, port, database)


@app.command()
def pilo(
    checkpoint: Annotated[Path, typer.Option(help="Trained network.")],
    source: Annotated[Path, typer.Option("--input", help="NCCT: NIfTI or DICOM.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8503,
) -> None:
    """Explore the perfusion information ratio of an image; outside any study."""
    from app.commands.pilo import prepare, run

    print(prepare(checkpoint, source, port))
    run(checkpoint, source, port)


@app.command()
def deploy(
    folder: Annotated[Path, typer.Argument(help="New folder for the files.")],
    host: Annotated[str, typer.Option(help="Name by which browsers know the server.")],
    study: Annotated[str, typer.Option(help="Folder of the study on the server.")],
    database: Annotated[
        str, typer.Option(help="URL without a password; else the study's.")
    ] = "",
    processes: Annotated[int, typer.Option(help="How many serve readers.")] = 2,
    first_port: Annotated[int, typer.Option(help="Port of the first.")] = 8501,
    https_port: Annotated[int, typer.Option(help="Port of nginx.")] = 443,
    http_port: Annotated[int, typer.Option(help="Sends browsers to HTTPS.")] = 80,
    certificate: Annotated[
        str, typer.Option(help="PEM file with the chain.")
    ] = "/etc/ssl/magic-app/fullchain.pem",
    certificate_key: Annotated[
        str, typer.Option(help="PEM file.")
    ] = "/etc/ssl/magic-app/privkey.pem",
    logs: Annotated[str, typer.Option(help="Folder of nginx.")] = "/var/log/nginx",
    program: Annotated[
        str, typer.Option(help="This command, on the server.")
    ] = "/opt/reading-room/bin/magic-app",
    user: Annotated[str, typer.Option(help="Who runs it.")] = "magic-app",
    oidc: Annotated[
        str, typer.Option(help="File of hospital accounts on the server.")
    ] = "",
) -> None:
    """Write files for nginx and systemd into a folder; install nothing."""
    from app.deployment import Deployment, write_deployment

    deployment = Deployment(
        host=host,
        study=study,
        database=database,
        processes=processes,
        first_port=first_port,
        ports=(https_port, http_port),
        certificate=certificate,
        certificate_key=certificate_key,
        logs=logs,
        program=program,
        user=user,
        oidc=oidc,
    )
    print(write_deployment(folder, deployment))


def _fail(message: str) -> int:
    print(f"magic-app: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
