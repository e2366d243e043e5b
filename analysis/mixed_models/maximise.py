"""Maximum of a Laplace likelihood, with the curvature there."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError
from scipy.optimize import minimize

from analysis.arrays import FloatArray
from analysis.mixed_models.laplace import LaplaceLikelihood, Parameters
from analysis.mixed_models.problem import OrdinalProblem

_STEP = 1e-4  # of the differences that make the second derivatives
_SEARCH_TOLERANCE = 1e-3
_TOLERANCE = 1e-5  # largest slope of the log likelihood at a maximum
_POLISHING_ROUNDS = 8
_SMALL = 0.1  # standard deviations below are tried against 0
_LOST = 1e-6  # log likelihood that 0 may cost
_START_SD = 0.7
_WORST = 1e10


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood is highest.

    Attributes:
        likelihood: The likelihood that was maximised, without groupings of variance 0.
        vector: Its parameters.
        log_likelihood: Its value.
        covariance: Of thresholds, coefficients and log deviations.
        effects: Modes of the random effects, standardised.
        converged: Whether the slopes are 0 and the curvature is that of a maximum.
    """

    likelihood: LaplaceLikelihood
    vector: FloatArray
    log_likelihood: float
    covariance: FloatArray
    effects: FloatArray
    converged: bool

    @property
    def parameters(self) -> Parameters:
        """Thresholds, coefficients and standard deviations."""
        return self.likelihood.unpack(self.vector)


def maximise(likelihood: LaplaceLikelihood) -> Maximum:
    """Search, polish, and try each small standard deviation against 0."""
    found = _search(likelihood, _start(likelihood.problem))
    while True:
        problem = found.likelihood.problem
        sds = found.parameters.sds
        if not len(sds) or sds.min() > _SMALL:
            return found
        smallest = int(sds.argmin())
        reduced = problem.without_groupings([problem.group_names[smallest]])
        start = np.delete(found.vector, len(found.vector) - len(sds) + smallest)
        simpler = _search(LaplaceLikelihood(reduced, likelihood.link), start)
        if simpler.log_likelihood < found.log_likelihood - _LOST:
            return found
        found = simpler


class _Objective:
    """Minus the log likelihood, going on from the last mode."""

    def __init__(self, likelihood: LaplaceLikelihood) -> None:
        self.likelihood = likelihood
        self.effects = np.zeros(likelihood.problem.n_effects)

    def __call__(self, vector: FloatArray) -> tuple[float, FloatArray]:
        try:
            value, gradient, effects = self.likelihood.evaluate(vector, self.effects)
        except (LinAlgError, ValueError):  # too far out for numbers
            return _WORST, np.zeros_like(vector)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return _WORST, np.zeros_like(vector)
        self.effects = effects
        return -value, -gradient

    def curvature(self, vector: FloatArray) -> FloatArray:
        """Second derivatives by central differences of the exact slopes."""
        rows = []
        for index in range(len(vector)):
            step = np.zeros_like(vector)
            step[index] = _STEP
            rows.append((self(vector + step)[1] - self(vector - step)[1]) / (2 * _STEP))
        matrix = np.array(rows).reshape(len(vector), len(vector))
        return np.asarray((matrix + matrix.T) / 2)


def _search(likelihood: LaplaceLikelihood, start: FloatArray) -> Maximum:
    objective = _Objective(likelihood)
    vector = start
    if np.abs(objective(start)[1]).max() > _SEARCH_TOLERANCE:
        options = {"gtol": _SEARCH_TOLERANCE}
        vector = minimize(objective, start, jac=True, method="BFGS", options=options).x
    vector, curvature = _polish(objective, vector)
    value, slopes = objective(vector)
    definite = bool((np.linalg.eigvalsh(curvature) > 0).all())
    return Maximum(
        likelihood,
        vector,
        -value,
        _covariance(likelihood, vector, curvature) if definite else curvature * np.nan,
        objective.effects,
        definite and value < _WORST and bool(np.abs(slopes).max() < _TOLERANCE),
    )


def _polish(objective: _Objective, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps to full precision."""
    curvature = objective.curvature(vector)
    for _ in range(_POLISHING_ROUNDS):
        value, slopes = objective(vector)
        # A flat direction is a standard deviation on its way to 0: leave it there.
        scales, directions = np.linalg.eigh(curvature)
        steep = scales > 1e-8
        step = directions[:, steep] @ (directions[:, steep].T @ slopes / scales[steep])
        if np.abs(slopes).max() < _TOLERANCE / 100 or np.abs(step).max() > 1:
            break
        if objective(vector - step)[0] > value + 1e-9:
            break
        vector = vector - step
    return vector, objective.curvature(vector)


def _covariance(
    likelihood: LaplaceLikelihood, vector: FloatArray, curvature: FloatArray
) -> FloatArray:
    slopes = likelihood.jacobian(vector)
    return np.asarray(slopes @ np.linalg.inv(curvature) @ slopes.T)


def _start(problem: OrdinalProblem) -> FloatArray:
    """Thresholds at the observed shares, no effects, middling deviations."""
    used = np.bincount(problem.answers, minlength=len(problem.categories)) + 0.5
    below = np.cumsum(used / used.sum())[:-1]
    thresholds = np.log(below / (1 - below))
    return np.concatenate(
        [
            thresholds[:1],
            np.log(np.diff(thresholds)),
            np.zeros(len(problem.fixed_names)),
            np.full(len(problem.group_names), np.log(_START_SD)),
        ]
    )
