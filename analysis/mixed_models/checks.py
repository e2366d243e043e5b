"""Why data cannot support an ordinal mixed model, told before it is fitted."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import linprog

from analysis.arrays import FloatArray
from analysis.mixed_models.problem import OrdinalProblem

_FEW_GROUPS = 5
_FEW_ANSWERS = 5
_NOTHING = 1e-7


def unsupported_reason(problem: OrdinalProblem) -> str | None:
    """Say why there is no finite maximum, None where nothing speaks against it."""
    checks: tuple[Callable[[OrdinalProblem], str | None], ...] = (
        _unused_category,
        _too_few_groups,
        _same_grouping_twice,
        _redundant_fixed_effects,
        _constant_level,
        _separation,
    )
    return next(filter(None, (check(problem) for check in checks)), None)


def cautions(problem: OrdinalProblem) -> tuple[str, ...]:
    """Say what makes the estimates weak although they exist."""
    told = [
        f"{name} has only {size} groups, so its standard deviation is little more than "
        "a guess"
        for name, size in zip(problem.group_names, problem.group_sizes, strict=True)
        if size < _FEW_GROUPS
    ]
    used = np.bincount(problem.answers, minlength=len(problem.categories))
    told += [
        f"category {category} was used {count} times only"
        for category, count in zip(problem.categories, used, strict=True)
        if count < _FEW_ANSWERS
    ]
    return tuple(told)


def _unused_category(problem: OrdinalProblem) -> str | None:
    used = np.bincount(problem.answers, minlength=len(problem.categories))
    if np.count_nonzero(used) < 2:
        return "all answers are the same" if problem.n else "there are no answers"
    unused = [str(problem.categories[i]) for i in np.flatnonzero(used == 0)]
    if unused:
        return (
            f"category {', '.join(unused)} was never used, so its thresholds cannot be "
            "estimated; merge it with its neighbour or leave it out of the scale"
        )
    return None


def _too_few_groups(problem: OrdinalProblem) -> str | None:
    binary = len(problem.categories) == 2
    for name, size in zip(problem.group_names, problem.group_sizes, strict=True):
        if size < 2:
            return f"{name} has {size} group, and a variance takes two or more"
        if size == problem.n and binary:
            return (
                f"{name} has a group for each answer, and two categories tell nothing"
            )
    return None


def _same_grouping_twice(problem: OrdinalProblem) -> str | None:
    names = problem.group_names
    for i in range(len(names)):
        for j in range(i):
            pairs = {tuple(pair) for pair in problem.members[:, [j, i]].tolist()}
            if len(pairs) == problem.group_sizes[i] == problem.group_sizes[j]:
                return f"{names[j]} and {names[i]} group the answers alike"
    return None


def _redundant_fixed_effects(problem: OrdinalProblem) -> str | None:
    for name, column in zip(problem.fixed_names, problem.fixed.T, strict=True):
        if np.ptp(column) == 0:
            return f"{name} is the same for all answers"
    with_intercept = np.column_stack([np.ones(problem.n), problem.fixed])
    if np.linalg.matrix_rank(with_intercept) < with_intercept.shape[1]:
        return f"the fixed effects {', '.join(problem.fixed_names)} are not independent"
    return None


def _constant_level(problem: OrdinalProblem) -> str | None:
    for name, column in zip(problem.fixed_names, problem.fixed.T, strict=True):
        levels = np.unique(column)
        if len(levels) != 2:
            continue
        for level in levels:
            answers = np.unique(problem.answers[column == level])
            if len(answers) == 1:
                category = problem.categories[int(answers[0])]
                return f"every answer with {name} {level:g} is {category}"
    return None


def _separation(problem: OrdinalProblem) -> str | None:
    """Look for a direction in which the likelihood rises without end.

    It exists where thresholds and coefficients can be moved so that no answer gets less
    likely and one gets more likely, whatever the random effects are.

    References:
        Albert A, Anderson JA. Biometrika 1984;71:1. doi:10.1093/biomet/71.1.1
    """
    if not problem.fixed_names:
        return None
    rows = _room(problem)
    best = linprog(
        -rows.sum(axis=0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1, 1)
    )
    if best.status != 0 or -best.fun < _NOTHING:
        return None
    p = len(problem.fixed_names)
    moved = np.abs(best.x[-p:]) > _NOTHING
    names = [
        name for name, moves in zip(problem.fixed_names, moved, strict=True) if moves
    ]
    return (
        f"{', '.join(names) or 'the fixed effects'} separates the answers, so that no "
        "finite coefficient fits best"
    )


def _room(problem: OrdinalProblem) -> FloatArray:
    """Room that a step in thresholds and coefficients gives each answer, both sides."""
    which = np.arange(problem.n_thresholds)
    answers = problem.answers[:, None]
    above = np.hstack([(answers == which).astype(float), -problem.fixed])
    below = np.hstack([-(answers - 1 == which).astype(float), problem.fixed])
    first, last = problem.answers == 0, problem.answers == problem.n_thresholds
    rows = np.vstack([above[~last], below[~first]])
    return np.asarray(np.unique(rows, axis=0))
