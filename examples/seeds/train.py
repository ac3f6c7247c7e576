"""Train one of four models on scikit-learn's 1,797 scanned digits, and record it.

    python train.py --model mlp --seed 3

The seed chooses the 360 digits of the test, and where training starts. A result of one seed says
little: run_all.py records five seeds of each model, and docs/guides/compare.md goes on from there.
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from meticulous import Experiment

MODELS = ("forest", "knn", "linear", "mlp")
CLASSES = np.arange(10)


def epochs_of(args, pixels, labels):
    """Train step by step: yields the model after each epoch, or after some more trees."""
    if args.model == "knn":
        yield KNeighborsClassifier(5, weights="distance").fit(pixels, labels)
    elif args.model == "forest":
        forest = RandomForestClassifier(0, warm_start=True, random_state=args.seed)
        for _ in range(args.epochs):
            forest.n_estimators += 5
            yield forest.fit(pixels, labels)
    else:
        hidden = (64,) if args.model == "mlp" else ()  # without a hidden layer it is linear
        model = MLPClassifier(hidden, learning_rate_init=0.01, random_state=args.seed)
        for _ in range(args.epochs):
            yield model.partial_fit(pixels, labels, classes=CLASSES)


def main():
    parser = argparse.ArgumentParser(description="Train a model on scanned digits.")
    parser.add_argument("--model", choices=MODELS, default="mlp")
    parser.add_argument("--epochs", type=int, default=15, help="of linear and mlp; 5 trees each")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the training")

    Experiment.add_argument_group(parser)
    experiment = Experiment.from_parser(parser)
    args = parser.parse_args()

    digits = load_digits()
    pixels, test_pixels, labels, test_labels = train_test_split(
        digits.data / 16, digits.target, test_size=360, random_state=args.seed
    )
    for epoch, model in enumerate(epochs_of(args, pixels, labels)):
        accuracy = model.score(test_pixels, test_labels)
        loss = log_loss(test_labels, model.predict_proba(test_pixels))
        experiment.log({"test": {"accuracy": accuracy, "loss": loss}}, step=epoch)
    experiment.summary({"accuracy": accuracy, "loss": loss})
    print(f"{args.model}, seed {args.seed}: {accuracy:.1%} of the 360 test digits are right")


if __name__ == "__main__":
    main()
