"""Log likelihood of an ordinal mixed model by Laplace's approximation.

With standard normal effects u, the joint log density f is sum_i log P(y_i | u) - u'u/2.
The likelihood is about f - log det(H) / 2 at the mode of f, where H is minus the second
derivative of f. The gradient is exact: it takes in how the mode and H move with the
parameters, through third derivatives of log P.

References:
    Christensen RHB. ordinal, R package (`clmm`). Pinheiro JC, Chao EC. J Comput Graph
    Stat 2006;15:58. doi:10.1198/106186006X96962
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from analysis.arrays import FloatArray
from analysis.mixed_models import links, membership
from analysis.mixed_models.problem import OrdinalProblem

_FAR = 500.0  # stands for the infinite outermost thresholds
_INNER_ROUNDS = 100
_INNER_TOLERANCE = 1e-9
_HALVINGS = 30


class Parameters(NamedTuple):
    """Thresholds, coefficients and standard deviations of the groupings."""

    thresholds: FloatArray
    coefficients: FloatArray
    sds: FloatArray


class Mode(NamedTuple):
    """Where the joint density of answers and effects is highest."""

    effects: FloatArray
    slopes: links.CellSlopes
    log_joint: float
    covariance: FloatArray
    """Inverse of H, `(effects, effects)`."""
    log_determinant: float


@dataclass(frozen=True, eq=False)
class LaplaceLikelihood:
    """Likelihood of one problem under one link.

    The parameters are one vector: the first threshold, the logarithms of the steps
    between thresholds, the coefficients, the logarithms of the standard deviations.
    """

    problem: OrdinalProblem
    link: links.LinkFunction

    def unpack(self, vector: FloatArray) -> Parameters:
        """Give the parameters that a vector stands for."""
        t, p = self.problem.n_thresholds, len(self.problem.fixed_names)
        with np.errstate(over="ignore"):
            steps = np.concatenate([vector[:1], np.exp(vector[1:t])])
            sds = np.exp(vector[t + p :])
        return Parameters(np.cumsum(steps), vector[t : t + p], sds)

    def jacobian(self, vector: FloatArray) -> FloatArray:
        """Slopes of thresholds, coefficients and log deviations in the vector."""
        t = self.problem.n_thresholds
        slopes = np.eye(len(vector))
        steps = np.concatenate([[1.0], np.exp(vector[1:t])])
        slopes[:t, :t] = np.tril(np.ones((t, t))) * steps
        return slopes

    def evaluate(
        self, vector: FloatArray, start: FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Give the log likelihood, its gradient, and the mode to start from next."""
        parameters = self.unpack(vector)
        mode = self.mode(parameters, start)
        value = mode.log_joint - mode.log_determinant / 2
        gradient = self._gradient(parameters, mode) @ self.jacobian(vector)
        return value, gradient, mode.effects

    def mode(self, parameters: Parameters, start: FloatArray) -> Mode:
        """Find the mode by Newton steps, halved where they overshoot."""
        effects, scale = start, self._scale(parameters)
        log_joint = self._log_joint(parameters, effects, scale)
        for _ in range(_INNER_ROUNDS):
            slopes = links.cell_slopes(
                self.link, *self._bounds(parameters, effects, scale)
            )
            gradient = (
                scale * membership.sum_by_effect(self.problem, -(slopes.a + slopes.b))
                - effects
            )
            weights = -(slopes.aa + 2 * slopes.ab + slopes.bb)
            factor = cho_factor(
                membership.curvature(self.problem, weights, scale), lower=True
            )
            if np.abs(gradient).max(initial=0.0) < _INNER_TOLERANCE:
                break
            step = cho_solve(factor, gradient)
            for halving in range(_HALVINGS):
                tried = effects + step / 2**halving
                reached = self._log_joint(parameters, tried, scale)
                if reached >= log_joint - 1e-12 * abs(log_joint):
                    break
            effects, log_joint = tried, reached
        else:
            msg = "the mode of the random effects was not found"
            raise LinAlgError(msg)
        return Mode(
            effects,
            slopes,
            log_joint,
            np.asarray(cho_solve(factor, np.eye(len(effects)))),
            2 * float(np.log(factor[0].diagonal()).sum()),
        )

    def _gradient(self, parameters: Parameters, mode: Mode) -> FloatArray:
        """Slopes in thresholds, coefficients and log deviations."""
        problem, s = self.problem, mode.slopes
        scale, inverse = self._scale(parameters), mode.covariance
        up, down = s.aa + s.ab, s.ab + s.bb
        curved_up, curved_down = s.aaa + 2 * s.aab + s.abb, s.aab + 2 * s.abb + s.bbb
        first, second, third = -(s.a + s.b), up + down, -(curved_up + curved_down)
        upper, lower = self._threshold_columns()
        parts = (scale * mode.effects)[problem.members]
        linear = np.hstack([problem.fixed, parts])
        # Of each parameter: slope of log P, of its derivative in the linear
        # predictor, and of the weights, at fixed effects u.
        direct = np.hstack(
            [s.a[:, None] * upper + s.b[:, None] * lower, first[:, None] * linear]
        )
        mixed = np.hstack(
            [-(up[:, None] * upper + down[:, None] * lower), second[:, None] * linear]
        )
        weights = -np.hstack(
            [
                curved_up[:, None] * upper + curved_down[:, None] * lower,
                third[:, None] * linear,
            ]
        )
        n_linear = upper.shape[1] + problem.fixed.shape[1]
        pull = scale[:, None] * membership.sum_by_effect(problem, mixed)
        own = problem.grouping_of_effect[:, None] == np.arange(len(problem.group_sizes))
        pull[:, n_linear:] += (
            own * (scale * membership.sum_by_effect(problem, first))[:, None]
        )
        moved = scale[:, None] * (inverse @ pull)
        shift = moved[problem.members].sum(axis=1)
        spread = membership.variance_of_predictor(problem, inverse, scale)
        trace = spread @ (weights - third[:, None] * shift)
        trace[n_linear:] += 2 * ((1 - inverse.diagonal()) @ own)
        return np.asarray(direct.sum(axis=0) - trace / 2)

    def _scale(self, parameters: Parameters) -> FloatArray:
        return parameters.sds[self.problem.grouping_of_effect]

    def _bounds(
        self, parameters: Parameters, effects: FloatArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        problem = self.problem
        random = (scale * effects)[problem.members].sum(axis=1)
        predictor = problem.fixed @ parameters.coefficients + random
        edges = np.concatenate([[-_FAR], parameters.thresholds, [_FAR]])
        return edges[problem.answers] - predictor, edges[
            problem.answers + 1
        ] - predictor

    def _log_joint(
        self, parameters: Parameters, effects: FloatArray, scale: FloatArray
    ) -> float:
        bounds = self._bounds(parameters, effects, scale)
        return float(
            links.log_probability(self.link, *bounds).sum() - effects @ effects / 2
        )

    def _threshold_columns(self) -> tuple[FloatArray, FloatArray]:
        """Tell which threshold bounds each answer from above and from below."""
        which = np.arange(self.problem.n_thresholds)
        answers = self.problem.answers[:, None]
        return (answers == which).astype(float), (answers - 1 == which).astype(float)
