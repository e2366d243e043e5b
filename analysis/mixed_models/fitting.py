"""Maximum likelihood of an ordinal mixed model."""

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from analysis.mixed_models import result
from analysis.mixed_models.checks import cautions, unsupported_reason
from analysis.mixed_models.laplace import LaplaceLikelihood
from analysis.mixed_models.links import Link, link_function
from analysis.mixed_models.maximise import Maximum, maximise
from analysis.mixed_models.problem import OrdinalProblem, ordinal_problem

_LARGEST_SD = 50.0
_NOT_CONVERGED = (
    "the likelihood has no clear maximum (not converged): the data are too few for "
    "this model"
)
_UNKNOWN = result.Coefficient(math.nan, math.nan)


def fit(
    y: ArrayLike,
    fixed: Mapping[str, ArrayLike],
    groups: Mapping[str, ArrayLike],
    *,
    categories: Sequence[Hashable] | None = None,
    link: Link = "logit",
) -> result.OrdinalMixedModel:
    """Fit a cumulative model with crossed random intercepts.

    With two categories it is a mixed logistic (or probit) regression.

    Args:
        y: `(n,)` answers.
        fixed: `(n,)` numbers of each fixed effect, such as `{"method": 0 or 1}`.
        groups: `(n,)` labels of each grouping, such as reader and case; several columns
            make one by `crossing`.
        categories: The scale in its order; None for the answers in use, sorted.
        link: `logit` or `probit`.

    Returns:
        The model; where the data cannot support it, NaN and `undefined_reason`.

    Raises:
        ValueError: If columns differ in length, numbers are missing, or an answer is
            not on the scale.

    Examples:
        >>> model = fit([1, 1, 2, 1, 2, 2], {"method": [0, 0, 0, 1, 1, 1]}, {})
        >>> round(model.odds_ratio("method").estimate, 6)
        4.0
    """
    return fit_problem(ordinal_problem(y, fixed, groups, categories), link)


def fit_problem(
    problem: OrdinalProblem, link: Link = "logit"
) -> result.OrdinalMixedModel:
    """Fit what `ordinal_problem` has put together."""
    likelihood = LaplaceLikelihood(problem, link_function(link))
    reason = unsupported_reason(problem)
    if reason:
        return _undefined(likelihood, reason)
    # The matrices are small: a second thread of BLAS costs ten times what it saves.
    with threadpool_limits(limits=1, user_api="blas"):
        maximum = maximise(likelihood)
    if not maximum.converged or maximum.parameters.sds.max(initial=0) > _LARGEST_SD:
        return _undefined(likelihood, _NOT_CONVERGED)
    return _result(problem, maximum)


def likelihood_ratio_test(
    model: result.OrdinalMixedModel, *names: str
) -> result.LikelihoodRatioTest:
    """Test that coefficients are 0, by fitting the model without them.

    Raises:
        KeyError: If the model has no such coefficient.
    """
    for name in names:
        model.coefficients[name]
    if model.undefined_reason:
        return result.LikelihoodRatioTest(math.nan, len(names), model.undefined_reason)
    smaller = fit_problem(model.problem.without_fixed(names), model.link)
    statistic = 2 * (model.log_likelihood - smaller.log_likelihood)
    return result.LikelihoodRatioTest(statistic, len(names), smaller.undefined_reason)


def _result(problem: OrdinalProblem, maximum: Maximum) -> result.OrdinalMixedModel:
    parameters, kept = maximum.parameters, maximum.likelihood.problem.group_names
    errors = np.sqrt(maximum.covariance.diagonal()).tolist()
    estimates = [*parameters.thresholds.tolist(), *parameters.coefficients.tolist()]
    values = [
        result.Coefficient(*pair) for pair in zip(estimates, errors, strict=False)
    ]
    sds = dict(zip(kept, parameters.sds.tolist(), strict=True))
    dropped = [name for name in problem.group_names if name not in sds]
    t = problem.n_thresholds
    return result.OrdinalMixedModel(
        link=maximum.likelihood.link.name,
        categories=problem.categories,
        n=problem.n,
        thresholds=tuple(values[:t]),
        coefficients=dict(zip(problem.fixed_names, values[t:], strict=True)),
        group_sizes=_sizes(problem),
        group_sds={name: sds.get(name, 0.0) for name in problem.group_names},
        log_likelihood=maximum.log_likelihood,
        converged=True,
        cautions=cautions(problem) + tuple(_at_the_boundary(name) for name in dropped),
        problem=problem,
    )


def _at_the_boundary(name: str) -> str:
    return (
        f"the variance of {name} is estimated as 0, the smallest it can be, so the "
        "standard errors hold only if it is"
    )


def _undefined(likelihood: LaplaceLikelihood, reason: str) -> result.OrdinalMixedModel:
    problem = likelihood.problem
    return result.OrdinalMixedModel(
        link=likelihood.link.name,
        categories=problem.categories,
        n=problem.n,
        thresholds=(_UNKNOWN,) * max(0, problem.n_thresholds),
        coefficients=dict.fromkeys(problem.fixed_names, _UNKNOWN),
        group_sizes=_sizes(problem),
        group_sds=dict.fromkeys(problem.group_names, math.nan),
        log_likelihood=math.nan,
        converged=False,
        cautions=cautions(problem),
        undefined_reason=reason,
        problem=problem,
    )


def _sizes(problem: OrdinalProblem) -> dict[str, int]:
    return dict(zip(problem.group_names, problem.group_sizes, strict=True))
