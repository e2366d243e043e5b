"""Study-local ids in place of a hospital's."""

from collections.abc import Sequence

import numpy as np

from magic_model.errors import DataError


def study_local_ids(
    source_ids: Sequence[str], *, rng: np.random.Generator, prefix: str = "p"
) -> dict[str, str]:
    """Draw a name for each patient that nothing leads back from but this table.

    Args:
        source_ids: The hospital's ids, each once.
        rng: Source of chance; not to be seeded with anything public.
        prefix: Start of the names; six digits follow.

    Returns:
        Study-local id of each source id.

    Raises:
        DataError: If a source id comes twice.
    """
    sources = list(source_ids)
    twice = sorted({source for source in sources if sources.count(source) > 1})
    if twice:
        msg = f"Each patient must have one id of his own, got {twice[0]!r} twice"
        raise DataError(msg)
    taken = set(sources)
    spare = 100_000 + rng.choice(900_000, size=2 * len(sources), replace=False)
    free = (name for name in (f"{prefix}{n}" for n in spare) if name not in taken)
    return dict(zip(sources, free, strict=False))
