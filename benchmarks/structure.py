"""How the product is cut: size of its files, share of imports, largest folder.

`python -m benchmarks.structure` prints the working tree, by package and in all;
`--base REV` puts a revision of git before it, to compare.
"""

import argparse
import ast
import io
import math
import statistics
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "reader_study", "magic_model", "app")

Sources = Mapping[PurePosixPath, str]


@dataclass(frozen=True)
class Structure:
    """How some files of the product are cut.

    Attributes:
        files: Number of files.
        lines: Lines of all files together.
        median: Lines of the median file.
        percentile_90: Lines that nine files in ten do not exceed.
        import_lines: Lines of import statements, with those that they go on to.
        largest_folder: The folder with most files at one level.
        in_largest: The number of files in it.
        single_use: Files that exactly one file imports, which is in the same folder.
    """

    files: int
    lines: int
    median: float
    percentile_90: int
    import_lines: int
    largest_folder: str
    in_largest: int
    single_use: int

    @property
    def lines_per_file(self) -> float:
        """Mean number of lines."""
        return self.lines / self.files

    @property
    def imports_per_1000(self) -> float:
        """Import lines in 1,000 lines."""
        return 1000 * self.import_lines / self.lines

    def rows(self) -> dict[str, str]:
        """Return each figure as it is printed, by its name."""
        return {
            "files": f"{self.files:,}",
            "lines": f"{self.lines:,}",
            "lines a file": f"{self.lines_per_file:.0f}",
            "median file": f"{self.median:.0f}",
            "90th percentile": f"{self.percentile_90}",
            "import lines in 1,000": f"{self.imports_per_1000:.0f}",
            "files in largest folder": f"{self.in_largest} ({self.largest_folder})",
            "used by one neighbour only": f"{self.single_use}",
        }


def working_tree() -> Sources:
    """Return the product's sources as they are on disk."""
    found = (path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
    return {
        PurePosixPath(path.relative_to(ROOT)): path.read_text("utf-8") for path in found
    }


def revision(name: str) -> Sources:
    """Return the product's sources at a revision of git."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", name, *PACKAGES],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            PurePosixPath(member.name): content.read().decode("utf-8")
            for member in archive
            if member.name.endswith(".py") and (content := archive.extractfile(member))
        }


def measure(sources: Sources, package: str | None = None) -> Structure:
    """Measure a package, or the whole product.

    Args:
        sources: All sources of the product, by path.
        package: The package to measure; None for all four.
    """
    chosen = [path for path in sources if package in (None, path.parts[0])]
    sizes = [len(sources[path].splitlines()) for path in chosen]
    trees = {path: ast.parse(sources[path]) for path in chosen}
    folders = Counter(str(path.parent) for path in chosen)
    in_largest, folder = max((n, name) for name, n in folders.items())
    return Structure(
        files=len(chosen),
        lines=sum(sizes),
        median=statistics.median(sizes),
        percentile_90=sorted(sizes)[math.ceil(0.9 * len(sizes)) - 1],
        import_lines=sum(map(_import_lines, trees.values())),
        largest_folder=folder,
        in_largest=in_largest,
        single_use=_single_use(trees),
    )


def _imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def _import_lines(tree: ast.Module) -> int:
    return sum((node.end_lineno or 0) - node.lineno + 1 for node in _imports(tree))


def _single_use(trees: Mapping[PurePosixPath, ast.Module]) -> int:
    modules = {_module(path): path for path in trees}
    importers: dict[PurePosixPath, set[PurePosixPath]] = {path: set() for path in trees}
    for path, tree in trees.items():
        for name in _imported(tree):
            # `from a.b import c` imports the module a.b.c, or a name of a.b.
            imported = modules.get(name) or modules.get(name.rpartition(".")[0])
            if imported not in (None, path):
                importers[imported].add(path)
    return sum(
        len(by) == 1 and next(iter(by)).parent == path.parent
        for path, by in importers.items()
    )


def _module(path: PurePosixPath) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in _imports(tree):
        prefix = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            yield f"{prefix}{alias.name}"


def _print(sources: Sources, base: Sources | None) -> None:
    for package in (*PACKAGES, None):
        columns = {"before": base, "after": sources} if base else {"now": sources}
        figures = [measure(files, package).rows() for files in columns.values()]
        print(f"{package or 'all four':29}", *(f"{name:>30}" for name in columns))
        for name in figures[0]:
            print(f"  {name:27}", *(f"{column[name]:>30}" for column in figures))
        print()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", metavar="REV", help="a revision to compare with")
    asked = parser.parse_args()
    _print(working_tree(), revision(asked.base) if asked.base else None)


if __name__ == "__main__":
    main()
