"""The capstone's claim: PyTorch's training loop and the course's make the same network, step by step."""

import numpy as np
import pytest

from course_lib import datasets, networks, optimizers
from course_lib.minibatch import iterate_minibatches

SIZES = (64, 16, 10)
# The course's optimizer with its settings, PyTorch's with the same in its own terms.
TWINS = [
    ("SGD", {"lr": 0.5}, "SGD", {"lr": 0.5}),
    ("Momentum", {"lr": 0.5, "beta": 0.8}, "SGD", {"lr": 0.5 * 0.2, "momentum": 0.8}),
    ("HeavyBall", {"lr": 0.1, "beta": 0.8}, "SGD", {"lr": 0.1, "momentum": 0.8}),
    ("Nesterov", {"lr": 0.5, "beta": 0.8}, "SGD", {"lr": 0.5 * 0.2, "momentum": 0.8, "nesterov": True}),
    ("AdaGrad", {"lr": 0.05, "eps": 1e-8}, "Adagrad", {"lr": 0.05, "eps": 1e-8}),
    ("RMSprop", {"lr": 0.005, "beta": 0.95}, "RMSprop", {"lr": 0.005, "alpha": 0.95}),
    ("Adam", {"lr": 0.01, "beta1": 0.8}, "Adam", {"lr": 0.01, "betas": (0.8, 0.999)}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}, "AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("AMSGrad", {"lr": 0.01, "beta2": 0.9}, "Adam", {"lr": 0.01, "betas": (0.9, 0.9), "amsgrad": True}),
]


@pytest.mark.parametrize(("name", "settings", "their_name", "their_settings"), TWINS, ids=[t[0] for t in TWINS])
def test_both_loops_make_the_same_network_at_every_step(name, settings, their_name, their_settings):
    torch = pytest.importorskip("torch")
    digits = datasets.digits()
    X, y = digits.X_train[:300], digits.y_train[:300]

    network = networks.MLP(SIZES, rng=np.random.default_rng(0))
    ours = getattr(optimizers, name)(network.params, **settings)
    model = torch.nn.Sequential(torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10)).double()
    layers = [model[0], model[2]]
    with torch.no_grad():
        for layer, w, b in zip(layers, network.weights, network.biases, strict=True):
            layer.weight.copy_(torch.tensor(w.T))
            layer.bias.copy_(torch.tensor(b))
    criterion = torch.nn.CrossEntropyLoss()
    theirs = getattr(torch.optim, their_name)(model.parameters(), **their_settings)

    start, rng = network.params.copy(), np.random.default_rng(1)
    for _ in range(3):
        for X_batch, y_batch in iterate_minibatches(X, y, batch_size=64, rng=rng):  # the last has 44
            theirs.zero_grad()
            outputs = model(torch.tensor(X_batch))
            loss = criterion(outputs, torch.tensor(y_batch))
            loss.backward()
            theirs.step()

            our_loss, dw = network.loss_and_gradient(X_batch, y_batch)
            ours.step(dw)
            assert our_loss == pytest.approx(loss.item(), rel=1e-10)
            for layer, w, b in zip(layers, network.weights, network.biases, strict=True):
                np.testing.assert_allclose(w.T, layer.weight.detach().numpy(), rtol=1e-8, atol=1e-10)
                np.testing.assert_allclose(b, layer.bias.detach().numpy(), rtol=1e-8, atol=1e-10)
    assert np.abs(network.params - start).max() > 0.05  # it has been trained
