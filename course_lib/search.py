"""Hyperparameter search: samplers, random search, grid search and successive halving, on all cores.

An objective is a function ``objective(config, rng)`` that trains with the settings in the dict `config`, draws all
that is random from `rng`, and returns a number: lower is better. The result of a search depends on its generator
alone, not on how many workers there are nor on who finishes first.
"""

import copy
import itertools
import math
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import loky
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from course_lib.validation import as_generator, as_number, as_positive_int

__all__ = [
    "Search",
    "Trial",
    "choice",
    "grid_search",
    "integers",
    "log_uniform",
    "one_minus_log_uniform",
    "random_search",
    "successive_halving",
    "uniform",
]


# ---------------------------------------------------------------------------------------------------------
# Samplers


@dataclass(frozen=True)
class uniform:
    """Any number from `low` to `high`, all equally likely.

    Raises
    ------
    TypeError, ValueError
        If a bound is no finite number, or ``low >= high``.
    """

    low: float
    high: float

    def __post_init__(self):
        as_number("high", self.high, above=as_number("low", self.low))

    def sample(self, rng: np.random.Generator) -> float:
        """Return one value."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class log_uniform:
    """A positive number from `low` to `high`, each power of ten equally likely: for rates and penalties.

    Raises
    ------
    TypeError, ValueError
        If a bound is no finite number above 0, or ``low >= high``.
    """

    low: float
    high: float

    def __post_init__(self):
        as_number("high", self.high, above=as_number("low", self.low, above=0))

    def sample(self, rng: np.random.Generator) -> float:
        """Return one value."""
        value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, self.low), self.high)  # exp(log(low)) may round to just below low


@dataclass(frozen=True)
class one_minus_log_uniform:
    """A number from `low` to `high`, both below 1, whose distance from 1 is log-uniform: for beta.

    ``one_minus_log_uniform(0.9, 0.999)`` draws as often from 0.9 to 0.99 as from 0.99 to 0.999.

    Raises
    ------
    TypeError, ValueError
        If not ``0 <= low < high < 1``.
    """

    low: float
    high: float

    def __post_init__(self):
        as_number("high", self.high, above=as_number("low", self.low, least=0), below=1)

    def sample(self, rng: np.random.Generator) -> float:
        """Return one value."""
        value = 1 - math.exp(rng.uniform(math.log1p(-self.high), math.log1p(-self.low)))
        return min(max(value, self.low), self.high)


@dataclass(frozen=True)
class integers:
    """A whole number from `low` to `high`, both included, all equally likely.

    Raises
    ------
    TypeError, ValueError
        If a bound is no whole number of at least 1, or ``low > high``.
    """

    low: int
    high: int

    def __post_init__(self):
        as_positive_int("low", self.low, most=as_positive_int("high", self.high))

    def sample(self, rng: np.random.Generator) -> int:
        """Return one value."""
        return int(rng.integers(self.low, self.high, endpoint=True))


@dataclass(frozen=True)
class choice:
    """One of a list of options, all equally likely.

    Raises
    ------
    ValueError
        If there is no option.
    """

    options: Sequence

    def __post_init__(self):
        if len(self.options) == 0:
            raise ValueError("options must have at least one entry, got none")

    def sample(self, rng: np.random.Generator):
        """Return one of the options."""
        return self.options[int(rng.integers(len(self.options)))]


# ---------------------------------------------------------------------------------------------------------
# Results


@dataclass(frozen=True)
class Trial:
    """One run of the objective.

    Attributes
    ----------
    number : int
        Place in the order of drawing, from 0.
    config : dict
        The settings.
    value : float
        What the objective returned; NaN where it failed.
    seconds : float
        How long it took.
    error : str or None
        The traceback, where it failed.
    resource : int or None
        What `successive_halving` gave it.
    """

    number: int
    config: dict[str, Any]
    value: float
    seconds: float
    error: str | None = None
    resource: int | None = None


@dataclass(frozen=True)
class Search:
    """What a search has found.

    Attributes
    ----------
    trials : list of Trial
        All trials that ended, the failed ones too, in the order of their numbers (`successive_halving`: rung after
        rung).
    stopped : bool
        Whether Ctrl-C (in Jupyter: the stop button) ended it early.
    """

    trials: list[Trial]
    stopped: bool = False

    @property
    def best(self) -> Trial:
        """The trial with the lowest finite value; among those with the most resource, where resources differ.

        Raises
        ------
        ValueError
            If no trial has a finite value. The message has the first error.
        """
        found = [trial for trial in self.trials if math.isfinite(trial.value)]
        if not found:
            errors = [trial.error for trial in self.trials if trial.error]
            first = f". The first error:\n{errors[0]}" if errors else ""
            raise ValueError(f"no best: none of {len(self.trials)} trials has a finite value{first}")
        return min(found, key=lambda trial: (-(trial.resource or 0), trial.value))

    @property
    def values(self) -> np.ndarray:
        """The trials' values, of shape (trials,); NaN where a trial failed."""
        return np.array([trial.value for trial in self.trials])

    def __repr__(self) -> str:
        failed = sum(trial.error is not None for trial in self.trials)
        parts = [f"{len(self.trials)} trials", f"{failed} failed" if failed else "", "stopped" * self.stopped]
        if np.isfinite(self.values).any():
            parts.append(f"best {self.best.value:g} with {self.best.config}")
        return f"<Search: {', '.join(part for part in parts if part)}>"


# ---------------------------------------------------------------------------------------------------------
# Searches

Objective = Callable[[dict[str, Any], np.random.Generator], float]


def random_search(
    objective: Objective,
    space: Mapping[str, Any],
    *,
    trials: int,
    rng: np.random.Generator,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> Search:
    """Try settings that are drawn independently of each other.

    Parameters
    ----------
    objective : callable
        ``objective(config, rng) -> float``, lower is better. `config` is a dict with the keys of `space`. An
        exception ends this trial only, and is kept as its ``error``.
    space : dict
        Per setting an object with ``sample(rng)``, such as ``log_uniform(1e-4, 1)``.
    trials : int
        How many.
    rng : numpy.random.Generator
        Gives each trial a generator of its own, for its settings and its objective.
    workers : int, optional
        Processes that work at the same time. Default: as many as the machine has cores. 1 means in this process.
        Functions that were defined in a notebook work too. Linear algebra is kept to one thread per trial.
    executor : concurrent.futures.Executor, optional
        Where to run instead: a thread pool, a process pool, a cluster's (Dask: ``client.get_executor()``). It is
        left open. What threads its workers use for linear algebra is its owner's business.
    progress : bool, default True
        Whether to show a progress bar, with the lowest value so far.

    Returns
    -------
    Search
        Ctrl-C is not raised: it ends the search, and what was found by then is returned, with ``stopped`` set.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    Bergstra and Bengio (2012), *Random search for hyper-parameter optimization*.

    Examples
    --------
    >>> search = random_search(
    ...     lambda config, rng: abs(np.log10(config["lr"]) + 2),
    ...     {"lr": log_uniform(1e-4, 1)},
    ...     trials=50,
    ...     rng=np.random.default_rng(0),
    ...     workers=1,
    ...     progress=False,
    ... )
    >>> 0.005 < search.best.config["lr"] < 0.02
    True
    """
    jobs = _draw(space, as_positive_int("trials", trials), rng)
    with _Runner(objective, workers, executor) as runner:
        return Search(runner.run(jobs, progress), runner.stopped)


def grid_search(
    objective: Objective,
    grid: Mapping[str, Sequence],
    *,
    rng: np.random.Generator,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> Search:
    """Try every combination of the values listed for each setting; the last setting varies fastest.

    Parameters
    ----------
    grid : dict
        Per setting the list of its values.
    objective, rng, workers, executor, progress
        As in `random_search`.

    Returns
    -------
    Search

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """
    for name, values in grid.items():
        if len(values) == 0:
            raise ValueError(f"grid must list at least one value for {name}")
    configs = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    children = as_generator("rng", rng).spawn(len(configs))
    jobs = [_Job(*job) for job in zip(itertools.count(), configs, children)]
    with _Runner(objective, workers, executor) as runner:
        return Search(runner.run(jobs, progress), runner.stopped)


def successive_halving(
    objective: Callable[[dict[str, Any], np.random.Generator, int], float],
    space: Mapping[str, Any],
    *,
    trials: int,
    least: int,
    factor: int = 3,
    rng: np.random.Generator,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> Search:
    """Try many settings briefly, keep the best of them, give those more, and so on until one is left.

    Parameters
    ----------
    objective : callable
        ``objective(config, rng, resource) -> float``, lower is better. `resource` is a number of epochs, say. A
        setting that is tried again begins anew, with the same generator: its longer run starts like its shorter.
    trials : int
        Settings in the first rung.
    least : int
        Resource for each of them.
    factor : int, default 3
        From rung to rung, 1/factor of the settings are kept (rounded down, but at least one) and get `factor`
        times the resource. Trials without a finite value are never kept.
    space, rng, workers, executor, progress
        As in `random_search`.

    Returns
    -------
    Search
        With the trials of all rungs. The best is the last rung's.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Notes
    -----
    Jamieson and Talwalkar (2016), *Non-stochastic best arm identification and hyperparameter optimization*;
    Hyperband (Li et al., 2018) runs it several times with different first rungs.
    """
    if as_positive_int("factor", factor) == 1:
        raise ValueError("factor must be at least 2, got 1")
    resource = as_positive_int("least", least)
    jobs = _draw(space, as_positive_int("trials", trials), rng)
    found: list[Trial] = []
    with _Runner(objective, workers, executor) as runner:
        while jobs:
            rung = runner.run([job._replace(resource=resource) for job in jobs], progress)
            found += rung
            if runner.stopped or len(jobs) == 1:
                break
            ranked = sorted((t for t in rung if math.isfinite(t.value)), key=lambda trial: trial.value)
            kept = {trial.number for trial in ranked[: max(1, len(jobs) // factor)]}
            jobs = [job for job in jobs if job.number in kept]
            resource *= factor
        return Search(found, runner.stopped)


# ---------------------------------------------------------------------------------------------------------
# Running trials

# One thread per worker: otherwise every worker's linear algebra would claim all the cores.
ONE_THREAD = {
    f"{library}_THREADS": "1"
    for library in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "VECLIB_MAXIMUM", "NUMBA_NUM")
}

IDLE = 300  # seconds after which idle workers end; a slow moment of the machine must not look like idleness


class _Job(NamedTuple):
    number: int
    config: dict[str, Any]
    rng: np.random.Generator
    resource: int | None = None


def _draw(space: Mapping[str, Any], trials: int, rng: np.random.Generator) -> list[_Job]:
    for name, sampler in space.items():
        if not hasattr(sampler, "sample"):
            raise TypeError(f"space must give {name} a sampler such as log_uniform(1e-4, 1), got {sampler!r}")
    children = as_generator("rng", rng).spawn(trials)
    configs = [{name: sampler.sample(child) for name, sampler in space.items()} for child in children]
    return [_Job(*job) for job in zip(itertools.count(), configs, children)]


def _run_trial(objective: Callable, job: _Job) -> Trial:
    """Run the objective, wherever this is called; its exception becomes the trial's."""
    rng = copy.deepcopy(job.rng)  # in this process as in another: the job's own generator stays as it was
    arguments = () if job.resource is None else (job.resource,)
    value, error = math.nan, None
    start = perf_counter()
    try:
        with np.errstate(all="ignore"):  # a trial may diverge; its value will say so
            value = float(objective(dict(job.config), rng, *arguments))
    except Exception:
        error = traceback.format_exc()
    return Trial(job.number, job.config, value, perf_counter() - start, error, job.resource)


def _ignore_interrupts():
    """In a worker: leave Ctrl-C, which reaches the whole process group, to the process that waits for us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Runner:
    """Runs jobs here, on worker processes of its own or on somebody's executor; remembers a Ctrl-C."""

    def __init__(self, objective: Callable, workers: int | None, executor: Executor | None):
        if not callable(objective):
            raise TypeError(f"objective must be a function of config and rng, got {objective!r}")
        if executor is not None and not hasattr(executor, "submit"):
            raise TypeError(f"executor must be a concurrent.futures.Executor, got {executor!r}")
        if executor is not None and workers is not None:
            raise ValueError("give workers or executor, not both")
        if workers is not None:
            as_positive_int("workers", workers)
        self.objective = objective
        self.workers = workers or loky.cpu_count()
        self.executor = executor
        self.owned = None
        self.stopped = False

    def __enter__(self):
        if self.executor is None and self.workers > 1:
            self.owned = self.executor = loky.get_reusable_executor(
                max_workers=self.workers,
                timeout=IDLE,
                env=ONE_THREAD,
                initializer=_ignore_interrupts,
            )
        return self

    def __exit__(self, *exception):
        if self.owned is not None and (self.stopped or exception[0] is not None):
            self.owned.shutdown(kill_workers=True)  # otherwise the workers are kept for the next search

    def run(self, jobs: list[_Job], progress: bool) -> list[Trial]:
        """Run the jobs and return their trials in the jobs' order, only those that ended if stopped."""
        lowest = math.inf
        with tqdm(total=len(jobs), disable=not progress, file=sys.stdout, unit="trial", mininterval=0.5) as bar:

            def report(trial: Trial):
                nonlocal lowest
                if trial.value < lowest and math.isfinite(trial.value):
                    lowest = trial.value
                    bar.set_postfix(best=f"{lowest:.4g}", refresh=False)
                bar.update()

            if self.executor is None:
                return self._run_here(jobs, report)
            return self._run_elsewhere(jobs, report)

    def _run_here(self, jobs: list[_Job], report: Callable[[Trial], None]) -> list[Trial]:
        trials = []
        try:
            with threadpool_limits(1):  # as in the workers, so that the numbers are the same
                for job in jobs:
                    trials.append(_run_trial(self.objective, job))
                    report(trials[-1])
        except KeyboardInterrupt:
            self.stopped = True
        return trials

    def _run_elsewhere(self, jobs: list[_Job], report: Callable[[Trial], None]) -> list[Trial]:
        futures: dict[Future, _Job] = {}
        try:
            for job in jobs:
                futures[self.executor.submit(_run_trial, self.objective, job)] = job
            pending = set(futures)
            while pending:
                # With a time limit, because Windows cannot interrupt a wait that has none.
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    report(_trial_of(future, futures[future]))
        except KeyboardInterrupt:
            self.stopped = True
        finally:
            for future in futures:
                future.cancel()
        ended = [(future, job) for future, job in futures.items() if future.done() and not future.cancelled()]
        return [_trial_of(future, job) for future, job in ended if not _interrupted(future)]


def _interrupted(future: Future) -> bool:
    return isinstance(future.exception(), KeyboardInterrupt)


def _trial_of(future: Future, job: _Job) -> Trial:
    """Return what a future holds: a failed trial where the worker itself was lost, so that the others are kept."""
    error = future.exception()
    if isinstance(error, KeyboardInterrupt):
        raise error
    if error is not None:
        text = "".join(traceback.format_exception(error))
        return Trial(job.number, job.config, math.nan, 0.0, text, job.resource)
    return future.result()
