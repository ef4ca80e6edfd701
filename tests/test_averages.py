"""Averages against pandas, SciPy and closed forms; and the temperatures that weeks 02 and 03 average."""

import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from course_lib import datasets
from course_lib.averages import (
    StreamingEMA,
    best_beta,
    correction_steps,
    debiased_weights,
    effective_window,
    ema,
    ema_weights,
)

BETAS = [0.0, 0.3, 0.9, 0.999, 0.9999]


def series(*shape):
    return np.random.default_rng(7).normal(3.0, 10.0, shape)


def by_pandas(theta, beta, *, adjust, **options):
    frame = pd.DataFrame(np.asarray(theta, dtype=float).reshape(len(theta), -1))
    values = frame.ewm(alpha=1 - beta, adjust=adjust, **options).mean().to_numpy()
    return values.reshape(np.shape(theta))


def sum_of_terms(theta, beta, initial=0.0):
    """The definition unrolled: every term written out."""
    return np.array(
        [
            beta**t * initial + math.fsum((1 - beta) * beta ** (t - i) * theta[i - 1] for i in range(1, t + 1))
            for t in range(1, len(theta) + 1)
        ]
    )


# ---------------------------------------------------------------------------------------------------------
# ema


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("shape", [(1,), (2,), (400,), (50, 3), (20, 2, 3), (5, 0)])
def test_the_corrected_average_is_pandas_adjusted_one(shape, beta):
    theta = series(*shape)
    expected = by_pandas(theta, beta, adjust=True) if theta.size else theta
    np.testing.assert_allclose(ema(theta, beta=beta, bias_correction=True), expected, rtol=1e-10)


@pytest.mark.parametrize("beta", BETAS)
def test_started_at_the_first_value_it_is_pandas_unadjusted_one(beta):
    theta = series(300)
    expected = by_pandas(theta, beta, adjust=False)
    np.testing.assert_allclose(ema(theta, beta=beta, initial=theta[0]), expected, rtol=1e-11)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("initial", [0.0, -4.0])
def test_every_term_written_out_gives_the_same(beta, initial):
    theta = series(60)
    expected = sum_of_terms(theta, beta, initial)
    np.testing.assert_allclose(ema(theta, beta=beta, initial=initial), expected, rtol=1e-10)


@pytest.mark.parametrize("beta", BETAS)
def test_from_zero_it_is_a_first_order_filter(beta):
    theta = series(200, 4)
    np.testing.assert_allclose(ema(theta, beta=beta), lfilter([1 - beta], [1, -beta], theta, axis=0), rtol=1e-12)


@given(beta=st.floats(0, 0.9999), c=st.floats(-1e6, 1e6), t=st.integers(1, 200))
def test_a_constant_series_shows_how_much_is_missing(beta, c, t):
    theta = np.full(t, c)
    np.testing.assert_allclose(ema(theta, beta=beta)[-1], (1 - beta**t) * c, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(ema(theta, beta=beta, bias_correction=True), theta, rtol=1e-9, atol=1e-300)


def test_on_a_ramp_it_lags_by_the_mean_age():
    ramp = np.arange(5000.0)
    for beta in (0.5, 0.9, 0.98):
        lag = ramp[-1] - ema(ramp, beta=beta)[-1]
        assert lag == pytest.approx(effective_window(beta, "mean age"), rel=1e-9)


def test_many_betas_give_one_average_each_in_their_own_shape():
    theta = series(30, 2)
    betas = np.array([[0.0, 0.5, 0.9], [0.99, 0.2, 0.7]])
    v = ema(theta, beta=betas, bias_correction=True)
    assert v.shape == (2, 3, 30, 2)
    for index in np.ndindex(betas.shape):
        np.testing.assert_array_equal(v[index], ema(theta, beta=betas[index], bias_correction=True))


@pytest.mark.parametrize("bias_correction", [False, True])
def test_float32_stays_and_is_as_exact_as_float32_can_be(bias_correction):
    theta = series(20_000).astype(np.float32)
    v = ema(theta, beta=0.999, bias_correction=bias_correction)
    exact = ema(theta.astype(np.float64), beta=0.999, bias_correction=bias_correction)
    assert (v.dtype, exact.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(v, exact, rtol=1e-6)
    assert ema(np.arange(3), beta=0.5).dtype == np.float64


def test_a_long_series_does_not_overflow_where_the_closed_form_does():
    theta = series(3000)
    with np.errstate(over="ignore"):
        assert np.isinf(0.5 ** -np.arange(3000.0)).any()
    assert np.isfinite(ema(theta, beta=0.5)).all()


def test_the_argument_is_not_changed():
    theta = series(20)
    before = theta.copy()
    v = ema(theta, beta=0.0)
    v[:] = 0
    np.testing.assert_array_equal(theta, before)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"theta": [1.0, np.nan], "beta": 0.9}, ValueError, "theta must be finite"),
        ({"theta": [1.0, np.inf], "beta": 0.9}, ValueError, "theta must be finite"),
        ({"theta": [], "beta": 0.9}, ValueError, "at least one value"),
        ({"theta": 3.0, "beta": 0.9}, ValueError, "at least one value"),
        ({"theta": ["a"], "beta": 0.9}, TypeError, "theta must be an array of numbers"),
        ({"theta": [1.0], "beta": 1.0}, ValueError, "beta must be finite and at least 0 and less than 1, got 1.0"),
        ({"theta": [1.0], "beta": -0.1}, ValueError, "beta must be finite and at least 0"),
        ({"theta": [1.0], "beta": [0.5, 1.5]}, ValueError, "beta must be finite and at least 0"),
        ({"theta": [1.0], "beta": math.nan}, ValueError, "beta must be finite"),
        ({"theta": [1.0], "beta": True}, TypeError, "beta must be a number"),
        ({"theta": [1.0], "beta": "0.9"}, TypeError, "beta must be an array of numbers"),
        ({"theta": [1.0], "beta": 0.9, "initial": math.nan}, ValueError, "initial must be finite"),
        ({"theta": [1.0], "beta": 0.9, "initial": 1.0, "bias_correction": True}, ValueError, "initial must be 0"),
    ],
)
def test_ema_names_a_bad_argument(arguments, error, says):
    with pytest.raises(error, match=says):
        ema(**arguments)


# ---------------------------------------------------------------------------------------------------------
# Weights, windows, steps


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("t", [1, 2, 5, 120])
def test_the_weights_give_the_average_and_their_sum_is_what_is_missing(t, beta):
    theta = series(t)
    raw, corrected = ema_weights(t, beta=beta), debiased_weights(t, beta=beta)
    assert raw.shape == corrected.shape == (t,)
    np.testing.assert_allclose(raw @ theta, ema(theta, beta=beta)[-1], rtol=1e-9)
    np.testing.assert_allclose(corrected @ theta, by_pandas(theta, beta, adjust=True)[-1], rtol=1e-9)
    assert raw.sum() == pytest.approx(1 - beta**t, rel=1e-9)
    assert corrected.sum() == pytest.approx(1, rel=1e-9)
    assert (np.diff(raw) >= 0).all()  # the newest, last, weighs most


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.98])
def test_the_windows_are_what_their_names_say(beta):
    w = ema_weights(3000, beta=beta)[::-1]  # by age; what is cut off weighs nothing
    age = np.arange(3000)
    assert effective_window(beta, "mean age") == pytest.approx(w @ age, rel=1e-9)
    assert effective_window(beta, "equal noise") == pytest.approx(1 / (w @ w), rel=1e-9)
    assert beta ** effective_window(beta, "half-life") == pytest.approx(0.5, rel=1e-12)
    assert effective_window(beta, "rule") == pytest.approx(1 / w[0], rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "name"), [("mean age", "com"), ("equal noise", "span"), ("half-life", "halflife")]
)
def test_pandas_calls_three_windows_by_other_names(kind, name):
    theta = pd.Series(series(50))
    for beta in (0.4, 0.95):
        window = theta.ewm(**{name: effective_window(beta, kind)}).mean()
        np.testing.assert_allclose(window, ema(theta.to_numpy(), beta=beta, bias_correction=True), rtol=1e-9)


def test_windows_of_arrays_and_of_beta_zero():
    betas = np.array([0.0, 0.9])
    assert effective_window(betas, "half-life") == pytest.approx([0.0, 6.578813478960585])
    assert type(effective_window(0.9, "rule")) is float
    assert [effective_window(0.0, kind) for kind in ("rule", "mean age", "equal noise")] == [1, 0, 1]
    with pytest.raises(ValueError, match="kind must be 'rule', 'mean age'"):
        effective_window(0.9, "window")


@pytest.mark.parametrize(
    ("beta", "tolerance", "steps"),
    [(0.9, 0.1, 22), (0.9, 0.01, 44), (0.999, 0.1, 2302), (0.999, 0.01, 4603), (0.5, 0.25, 2), (0.0, 0.1, 1)],
)
def test_correction_steps_of_the_lectures(beta, tolerance, steps):
    assert correction_steps(beta, tolerance=tolerance) == steps


@given(beta=st.floats(0, 0.999), tolerance=st.floats(1e-6, 0.999), k=st.integers(1, 60))
def test_correction_steps_are_the_first_that_suffice(beta, tolerance, k):
    for tol in (tolerance, beta**k):  # the second lies exactly on a step
        if 1e-300 < tol < 1:
            t = correction_steps(beta, tolerance=tol)
            assert beta**t <= tol
            assert t == 1 or beta ** (t - 1) > tol


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: ema_weights(0, beta=0.9), "t must be at least 1"),
        (lambda: debiased_weights(3, beta=1.0), "beta must be finite and at least 0 and less than 1"),
        (lambda: effective_window(1.0, "rule"), "beta must be finite and at least 0 and less than 1"),
        (lambda: correction_steps(1.0, tolerance=0.1), "beta must be"),
        (lambda: correction_steps(0.9, tolerance=0.0), "tolerance must be"),
        (lambda: best_beta(np.arange(5.0), [0.5], skip=4), "skip must be between 0 and T - 2 = 3"),
        (lambda: best_beta(np.arange(5.0), [], skip=0), "betas must have shape"),
        (lambda: best_beta(np.zeros((5, 2)), [0.5]), "theta must have 1 dimensions"),
        (lambda: StreamingEMA(beta=1.0), "beta must be"),
        (lambda: StreamingEMA(beta=0.9).update(math.inf), "theta must be finite"),
    ],
)
def test_bad_arguments_are_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# ---------------------------------------------------------------------------------------------------------
# best_beta


def test_best_beta_scores_forecasts_one_step_ahead():
    theta, betas = series(80), np.array([0.2, 0.7, 0.95])
    best, errors = best_beta(theta, betas, skip=5)
    for beta, error in zip(betas, errors, strict=True):
        forecast = pd.Series(np.r_[0.0, theta]).ewm(alpha=1 - beta, adjust=False).mean().to_numpy()
        assert error == pytest.approx(np.mean([(theta[t] - forecast[t]) ** 2 for t in range(6, 80)]))
    assert best == betas[np.argmin(errors)]


def test_best_beta_keeps_what_the_theory_of_a_noisy_random_walk_says():
    """For a walk of step variance q seen in noise r the best gain 1 − beta solves g² / (1 − g) = q / r."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=100_000))
    seen = walk + rng.normal(size=100_000) * 3
    q_over_r = 1 / 9
    gain = (-q_over_r + math.sqrt(q_over_r**2 + 4 * q_over_r)) / 2
    best, _ = best_beta(seen, np.linspace(0, 0.99, 100), skip=100)
    assert best == pytest.approx(1 - gain, abs=0.02)


# ---------------------------------------------------------------------------------------------------------
# StreamingEMA


@pytest.mark.parametrize("beta", BETAS)
def test_streaming_without_gaps_is_the_corrected_average(beta):
    theta = series(200)
    stream = StreamingEMA(beta=beta)
    values = [stream.update(x) for x in theta]
    np.testing.assert_allclose(values, ema(theta, beta=beta, bias_correction=True), rtol=1e-10)
    assert stream.t == 200
    assert stream.weight == pytest.approx(1 - beta**200)


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("missing", [None, math.nan, np.float32("nan")])
def test_with_gaps_it_is_pandas_with_the_clock_running(beta, missing):
    rng = np.random.default_rng(1)
    theta = np.where(rng.random(300) < 0.4, np.nan, series(300))
    theta[:3] = np.nan
    stream = StreamingEMA(beta=beta)
    values = [stream.update(missing if np.isnan(x) else x) for x in theta]
    expected = by_pandas(theta, beta, adjust=True, ignore_na=False)
    assert np.isnan(values[:3]).all()
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_a_gap_in_which_all_weights_underflow_does_no_harm():
    stream = StreamingEMA(beta=0.5)
    stream.update(3.0)
    for _ in range(2000):
        stream.update(None)
    assert (stream.weight, stream.value) == (0.0, 3.0)
    assert stream.update(5.0) == 5.0


def test_streaming_takes_numbers_only():
    with pytest.raises(TypeError, match="theta must be a number"):
        StreamingEMA(beta=0.9).update("3")


# ---------------------------------------------------------------------------------------------------------
# Temperatures


def test_seattle_has_four_years_of_plausible_days():
    dates, temperatures = datasets.seattle_temperatures()
    assert dates.dtype == np.dtype("datetime64[D]")
    assert (str(dates[0]), str(dates[-1]), len(dates)) == ("2012-01-01", "2015-12-31", 1461)
    assert (np.diff(dates) == np.timedelta64(1, "D")).all()
    assert temperatures.shape == (1461,)
    assert (temperatures.min(), temperatures.max()) == (-1.6, 35.6)
    months = dates.astype("datetime64[M]").astype(int) % 12
    assert temperatures[months == 0].mean() < 10 < 24 < temperatures[months == 7].mean()


def test_seattle_agrees_with_the_packages_own_reader():
    from vega_datasets import local_data

    frame = local_data.seattle_weather()
    dates, temperatures = datasets.seattle_temperatures()
    np.testing.assert_array_equal(temperatures, frame["temp_max"])
    np.testing.assert_array_equal(dates, frame["date"].to_numpy().astype("datetime64[D]"))


def test_reading_the_temperatures_does_not_load_pandas():
    code = (
        "import json, sys; from course_lib import datasets; datasets.seattle_temperatures(); "
        "print(json.dumps('pandas' in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) is False
