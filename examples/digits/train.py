"""Train a small network on scikit-learn's 1,797 scanned digits, in numpy, and record it.

    python train.py --lr 0.05 --epochs 20      about 97 % of the test digits are right
    python train.py --lr 2                     fails: the step size is too big

Four lines are about recording: two with Experiment, one with log, one with summary. What the
program saves goes into the experiment's folder, by experiment.open().
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits

from meticulous import Experiment

CLASSES = 10


def load(seed):
    """Pixels from 0 to 1 and labels, shuffled: the last 360 digits are for the test."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    pixels, labels = digits.data[order] / 16, digits.target[order]
    return (pixels[:-360], labels[:-360]), (pixels[-360:], labels[-360:])


class Network:
    """One hidden layer of rectified units and a softmax."""

    def __init__(self, inputs, hidden, generator):
        self.weights = {
            "w1": generator.normal(0, np.sqrt(2 / inputs), (inputs, hidden)),
            "b1": np.zeros(hidden),
            "w2": generator.normal(0, np.sqrt(1 / hidden), (hidden, CLASSES)),
            "b2": np.zeros(CLASSES),
        }
        self.velocity = {name: np.zeros_like(weight) for name, weight in self.weights.items()}

    def logits(self, pixels):
        hidden = np.maximum(pixels @ self.weights["w1"] + self.weights["b1"], 0)
        return hidden, hidden @ self.weights["w2"] + self.weights["b2"]

    def step(self, pixels, labels, lr, momentum):
        """Take one step of gradient descent with momentum; return the loss before it."""
        hidden, logits = self.logits(pixels)
        probabilities, loss = softmax_loss(logits, labels)
        error = (probabilities - np.eye(CLASSES)[labels]) / len(labels)
        back = (error @ self.weights["w2"].T) * (hidden > 0)
        gradients = {
            "w1": pixels.T @ back,
            "b1": back.sum(axis=0),
            "w2": hidden.T @ error,
            "b2": error.sum(axis=0),
        }
        for name, gradient in gradients.items():
            self.velocity[name] = momentum * self.velocity[name] - lr * gradient
            self.weights[name] += self.velocity[name]
        return loss

    def evaluate(self, pixels, labels):
        """Loss, accuracy and the predicted labels."""
        _, logits = self.logits(pixels)
        _, loss = softmax_loss(logits, labels)
        predicted = logits.argmax(axis=1)
        return loss, np.mean(predicted == labels), predicted


def softmax_loss(logits, labels):
    """Probabilities and the mean negative log-likelihood of the labels."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.exp(log_probabilities), -np.mean(log_probabilities[np.arange(len(labels)), labels])


def confusion_picture(labels, predicted):
    """The confusion matrix as an SVG: rows are the true digits, columns the predicted ones."""
    counts = np.zeros((CLASSES, CLASSES), dtype=int)
    np.add.at(counts, (labels, predicted), 1)
    cells = []
    for (row, column), count in np.ndenumerate(counts):
        shade = 255 - round(215 * count / max(counts.max(), 1))
        ink = "white" if shade < 130 else "black"
        cells.append(
            f'<rect x="{30 + 30 * column}" y="{30 + 30 * row}" width="30" height="30"'
            f' fill="rgb({shade},{shade},255)"/>'
        )
        if count:
            x, y = 45 + 30 * column, 50 + 30 * row
            cells.append(f'<text x="{x}" y="{y}" fill="{ink}">{count}</text>')
    for digit in range(CLASSES):
        cells.append(f'<text x="{45 + 30 * digit}" y="20">{digit}</text>')
        cells.append(f'<text x="15" y="{50 + 30 * digit}">{digit}</text>')
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 340 340" width="510" height="510"'
    style = ' font-family="sans-serif" font-size="13" text-anchor="middle">'
    return "\n".join([head + style, *cells, "</svg>\n"])


def train(args, experiment):
    """Train, log every epoch, save the network and a picture; return the test accuracy."""
    generator = np.random.default_rng(args.seed)
    (pixels, labels), test = load(args.seed)
    network = Network(pixels.shape[1], args.hidden, generator)
    for epoch in range(args.epochs):
        order = generator.permutation(len(labels))
        losses = []
        for start in range(0, len(order), args.batch_size):
            batch = order[start : start + args.batch_size]
            losses.append(network.step(pixels[batch], labels[batch], args.lr, args.momentum))
        loss, accuracy, predicted = network.evaluate(*test)
        metrics = {
            "train": {"loss": np.mean(losses)},
            "test": {"loss": loss, "accuracy": accuracy},
        }
        experiment.log(metrics, step=epoch)
        print(f"epoch {epoch:2}  train loss {np.mean(losses):.4f}  test accuracy {accuracy:.3f}")
        if epoch >= 3 and accuracy < 0.2:  # no better than guessing
            raise RuntimeError(f"--lr {args.lr} is too big")

    with experiment.open("model.npz", "wb") as file:
        np.savez(file, **network.weights)
    with experiment.open("confusion.svg", "w") as file:
        file.write(confusion_picture(test[1], predicted))
    experiment.summary({"accuracy": accuracy, "loss": loss})
    return accuracy


def main():
    parser = argparse.ArgumentParser(description="Train a small network on scanned digits.")
    parser.add_argument("--lr", type=float, default=0.05, help="step size")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=64, help="units of the hidden layer")
    parser.add_argument("--seed", type=int, default=0)

    Experiment.add_argument_group(parser)
    experiment = Experiment.from_parser(parser)
    args = parser.parse_args()

    accuracy = train(args, experiment)
    print(f"{accuracy:.1%} of the 360 test digits are right")


if __name__ == "__main__":
    main()
