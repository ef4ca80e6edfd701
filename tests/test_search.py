"""Samplers and searches: distributions, reproducibility, failures, Ctrl-C, and executors of every kind."""

import math
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_info

from course_lib import search

SPACE = {"lr": search.log_uniform(1e-4, 1), "units": search.integers(8, 64)}


def distance(config, rng):
    """Some objective that is random too, at the top of a module, so that every kind of process can find it."""
    return abs(math.log10(config["lr"]) + 2) + 0.1 * rng.normal() + config["units"] / 1000


def outcome(found):
    """Return what must not depend on the machine."""
    return [(t.number, t.config, t.value, t.resource) for t in found.trials]


def find(objective=distance, space=SPACE, trials=8, seed=0, workers=1, **options):
    if "executor" not in options:
        options["workers"] = workers
    rng = np.random.default_rng(seed)
    return search.random_search(objective, space, trials=trials, rng=rng, **{"progress": False, **options})


# ---------------------------------------------------------------------------------------------------------
# Samplers


def draw(sampler, n=20_000):
    rng = np.random.default_rng(7)
    return [sampler.sample(rng) for _ in range(n)]


@pytest.mark.parametrize(
    ("sampler", "distribution"),
    [
        (search.uniform(-3, 5), stats.uniform(-3, 8)),
        (search.log_uniform(1e-4, 1), stats.loguniform(1e-4, 1)),
        (search.log_uniform(2, 7), stats.loguniform(2, 7)),
    ],
)
def test_samplers_have_the_distribution_of_scipy(sampler, distribution):
    values = draw(sampler)
    assert all(type(value) is float for value in values)
    assert stats.kstest(values, distribution.cdf).pvalue > 0.01
    assert sampler.low <= min(values) <= max(values) <= sampler.high


def test_beta_is_drawn_through_its_distance_from_one():
    values = draw(search.one_minus_log_uniform(0.9, 0.999))
    assert stats.kstest(1 - np.array(values), stats.loguniform(0.001, 0.1).cdf).pvalue > 0.01
    assert 0.9 <= min(values) <= max(values) <= 0.999


def test_integers_reach_both_ends_equally_often():
    values, counts = np.unique(draw(search.integers(3, 6)), return_counts=True)
    assert values.tolist() == [3, 4, 5, 6]
    assert stats.chisquare(counts).pvalue > 0.01
    assert type(search.integers(3, 3).sample(np.random.default_rng(0))) is int


def test_choice_returns_the_options_themselves():
    options = ["relu", None, 32, {"a": 1}]
    values = draw(search.choice(options), 400)
    assert all(any(value is option for option in options) for value in values)
    assert stats.chisquare([sum(value is option for value in values) for option in options]).pvalue > 0.01


def test_log_uniform_stays_within_its_bounds_where_the_logarithm_rounds():
    class Lowest:
        def uniform(self, low, high):
            return low

    for low in np.random.default_rng(0).uniform(1e-5, 1, 200).tolist():
        assert search.log_uniform(low, 2.0).sample(Lowest()) >= low


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: search.uniform(1, 1), ValueError, "high must be finite and greater than 1"),
        (lambda: search.log_uniform(0, 1), ValueError, "low must be finite and greater than 0"),
        (lambda: search.log_uniform(1, 1e-4), ValueError, "high must be .* greater than 1"),
        (lambda: search.log_uniform("a", 1), TypeError, "low must be a number"),
        (lambda: search.one_minus_log_uniform(0.9, 1), ValueError, "high must be .* less than 1"),
        (lambda: search.one_minus_log_uniform(-0.1, 0.9), ValueError, "low must be .* at least 0"),
        (lambda: search.integers(4, 3), ValueError, "low must be between 1 and 3"),
        (lambda: search.integers(1.5, 3), TypeError, "low must be a whole number"),
        (lambda: search.choice([]), ValueError, "options must have at least one"),
        (lambda: find(space={"lr": 0.1}), TypeError, "space must give lr a sampler"),
        (lambda: find(trials=0), ValueError, "trials must be at least 1"),
        (lambda: find(objective=3), TypeError, "objective must be a function"),
        (lambda: find(workers=0), ValueError, "workers must be at least 1"),
        (lambda: find(executor=map), TypeError, "executor must be a concurrent.futures.Executor"),
        (lambda: search.grid_search(distance, {"a": [1]}, rng=1), TypeError, "rng must be"),
        (lambda: halve(factor=1), ValueError, "factor must be at least 2"),
        (lambda: halve(least=0), ValueError, "least must be at least 1"),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_workers_and_executor_exclude_each_other():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="not both"):
        halve(executor=pool, workers=2)


# ---------------------------------------------------------------------------------------------------------
# Searching


def test_the_best_has_the_lowest_value_and_repeats_from_its_seed():
    found = find(trials=20)
    assert [trial.number for trial in found.trials] == list(range(20))
    assert found.best.value == found.values.min()
    assert outcome(found) == outcome(find(trials=20))
    assert outcome(found) != outcome(find(trials=20, seed=1))
    assert not found.stopped
    assert "20 trials, best" in repr(found)


def test_a_longer_search_begins_like_a_shorter_one():
    assert outcome(find(trials=12))[:5] == outcome(find(trials=5))


def test_one_generator_gives_new_settings_at_each_call():
    rng = np.random.default_rng(0)
    first, second = (
        search.random_search(distance, SPACE, trials=3, rng=rng, workers=1, progress=False) for _ in range(2)
    )
    assert outcome(first) != outcome(second)


def test_failures_are_kept_and_values_that_are_no_numbers_never_win():
    def fickle(config, rng):
        if config["case"] == "raise":
            raise RuntimeError("out of luck")
        return config["case"]

    cases = [math.nan, -math.inf, "raise", math.inf, 3.0, 2.0, None]
    found = search.grid_search(fickle, {"case": cases}, rng=np.random.default_rng(0), workers=1, progress=False)
    assert found.best.value == 2.0
    assert [t.number for t in found.trials if t.error] == [2, 6]
    assert "RuntimeError: out of luck" in found.trials[2].error
    assert "in fickle" in found.trials[2].error
    assert "2 failed" in repr(found)
    np.testing.assert_array_equal(found.values, [math.nan, -math.inf, math.nan, math.inf, 3, 2, math.nan])


def test_without_a_finite_value_there_is_no_best():
    def broken(config, rng):
        raise ZeroDivisionError("always")

    with pytest.raises(ValueError, match=r"none of 8 trials(.|\n)*ZeroDivisionError: always"):
        _ = find(broken).best
    with pytest.raises(ValueError, match=r"none of 8 trials has a finite value$"):
        _ = find(lambda config, rng: math.nan).best


def test_a_trial_that_overflows_is_no_error():
    found = find(lambda config, rng: np.float64(1e308) * 1e10)
    assert [t.error for t in found.trials] == [None] * 8


def test_an_objective_that_changes_its_settings_changes_only_its_copy():
    def greedy(config, rng):
        return config.pop("lr")

    found = find(greedy)
    assert all(set(trial.config) == set(SPACE) for trial in found.trials)


def test_a_grid_has_every_combination_in_order():
    found = search.grid_search(
        lambda config, rng: config["a"] - config["b"],
        {"a": [1, 2], "b": [10, 20, 30]},
        rng=np.random.default_rng(0),
        workers=1,
        progress=False,
    )
    assert [tuple(t.config.values()) for t in found.trials] == [
        (1, 10),
        (1, 20),
        (1, 30),
        (2, 10),
        (2, 20),
        (2, 30),
    ]
    assert found.best.config == {"a": 1, "b": 30}
    with pytest.raises(ValueError, match="at least one value for a"):
        search.grid_search(distance, {"a": []}, rng=np.random.default_rng(0))


def noisy(config, rng, epochs):
    return config["x"] + rng.normal(size=epochs).mean() / 100


def halve(objective=noisy, trials=20, least=2, factor=3, **options):
    return search.successive_halving(
        objective,
        {"x": search.uniform(0, 1)},
        trials=trials,
        least=least,
        factor=factor,
        rng=np.random.default_rng(3),
        **{"workers": 1, "progress": False, **options},
    )


def test_successive_halving_keeps_the_best_third_and_triples_the_resource():
    found = halve()
    resources = [t.resource for t in found.trials]
    assert resources == [2] * 20 + [6] * 6 + [18] * 2 + [54]
    first = sorted(found.trials[:20], key=lambda trial: trial.value)
    assert {t.number for t in found.trials[20:26]} == {t.number for t in first[:6]}
    assert found.best is found.trials[-1]


def test_a_setting_that_is_tried_again_has_the_same_generator():
    drawn = {}

    def remember(config, rng, epochs):
        drawn.setdefault(config["x"], []).append(rng.random())
        return config["x"]

    halve(remember)
    assert max(len(values) for values in drawn.values()) == 4
    assert all(len(set(values)) == 1 for values in drawn.values())


def test_successive_halving_drops_what_failed_even_if_too_few_remain():
    found = halve(lambda config, rng, epochs: config["x"] if config["x"] > 0.9 else math.nan)
    survivors = [t.value for t in found.trials if t.resource > 2]
    assert min(survivors) > 0.9
    assert {t.resource for t in halve(lambda config, rng, epochs: math.nan).trials} == {2}


# ---------------------------------------------------------------------------------------------------------
# In parallel


def test_the_order_of_completion_does_not_matter():
    order, turn = [], threading.Condition()

    def backwards(config, rng):
        with turn:
            assert turn.wait_for(lambda: len(order) == waiting[config["lr"]], timeout=60)
            order.append(config["lr"])
            turn.notify_all()
        return distance(config, rng)

    alone = find()
    waiting = {trial.config["lr"]: 7 - trial.number for trial in alone.trials}
    with ThreadPoolExecutor(8) as pool:
        together = find(backwards, executor=pool)
    assert order == [trial.config["lr"] for trial in alone.trials][::-1]
    assert outcome(together) == outcome(alone)


def test_workers_give_the_same_result_as_none_even_for_a_function_made_here():
    scale = 3.0

    def local(config, rng):
        return scale * distance(config, rng) + (np.arange(10_000.0).reshape(100, 100) @ rng.random(100)).sum()

    assert outcome(find(local, workers=2)) == outcome(find(local, workers=1))
    assert outcome(halve(workers=2)) == outcome(halve(workers=1))


def test_a_process_pool_that_was_spawned():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert outcome(find(executor=pool)) == outcome(find())
        assert pool.submit(abs, -1).result() == 1  # left open


def test_a_dask_cluster():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        assert outcome(find(executor=executor)) == outcome(find())
        assert outcome(halve(workers=None, executor=executor)) == outcome(halve())


def test_trials_run_in_other_processes_and_have_one_thread_each():
    def look(config, rng):
        np.ones((200, 200)) @ np.ones((200, 200))
        threads = [library["num_threads"] for library in threadpool_info()]
        return max(threads) + (0 if os.getpid() != here else 100)

    here = os.getpid()
    assert set(find(look, workers=2).values) == {1}
    assert set(find(look, workers=1).values) == {101}


def test_a_lost_worker_costs_its_trial_and_not_what_was_found():
    def fatal(config, rng):
        if config["x"] == 2:
            os._exit(1)
        return config["x"]

    found = search.grid_search(fatal, {"x": [1, 2]}, rng=np.random.default_rng(0), workers=2, progress=False)
    assert found.trials[1].error is not None
    assert "Terminated" in found.trials[1].error
    assert not found.stopped
    assert len(find(workers=2).trials) == 8  # and the next search has workers again


# ---------------------------------------------------------------------------------------------------------
# Ctrl-C


def test_ctrl_c_keeps_what_was_found_here():
    def interrupted(config, rng):
        if config["x"] == 3:
            signal.raise_signal(signal.SIGINT)
        return config["x"]

    found = search.grid_search(
        interrupted, {"x": [1, 2, 3, 4]}, rng=np.random.default_rng(0), workers=1, progress=False
    )
    assert found.stopped
    assert [t.value for t in found.trials] == [1, 2]
    assert found.best.value == 1
    assert "stopped" in repr(found)


def test_ctrl_c_keeps_what_was_found_on_an_executor():
    released = threading.Event()

    def interrupted(config, rng):
        if config["x"] == 3:
            os.kill(os.getpid(), signal.SIGINT)  # one worker: the others have ended, and 4 never begins
            released.wait(60)
        return config["x"]

    with ThreadPoolExecutor(1) as pool:
        found = search.grid_search(
            interrupted, {"x": [1, 2, 3, 4]}, rng=np.random.default_rng(0), executor=pool, progress=False
        )
        released.set()
    assert found.stopped
    assert [t.value for t in found.trials] == [1, 2]


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send Ctrl-C to another process")
def test_ctrl_c_ends_the_workers_and_the_next_search_has_new_ones():
    parent = os.getpid()

    def interrupted(config, rng):
        if config["x"] == 5:
            os.kill(parent, signal.SIGINT)
            threading.Event().wait()  # for ever: the test ends only because this worker is ended
        return config["x"]

    found = search.grid_search(
        interrupted, {"x": list(range(8))}, rng=np.random.default_rng(0), workers=2, progress=False
    )
    assert found.stopped
    assert 5 not in found.values
    assert [t.value for t in found.trials] == [t.config["x"] for t in found.trials]
    assert outcome(find(workers=2)) == outcome(find())


# ---------------------------------------------------------------------------------------------------------
# Progress


def test_the_progress_bar_counts_trials_and_shows_the_best(capsys):
    find(lambda config, rng: 0.25, progress=True)
    shown = capsys.readouterr()
    assert "8/8" in shown.out
    assert "best=0.25" in shown.out
    assert shown.err == ""


def test_without_progress_nothing_is_printed(capsys):
    find()
    assert capsys.readouterr() == ("", "")
