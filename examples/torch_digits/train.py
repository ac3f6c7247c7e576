"""Train a small convolutional network on scikit-learn's 1,797 scanned digits, in PyTorch.

    pip install torch scikit-learn
    python train.py --lr 0.01

Metrics may be tensors: they are read when the record is written, not when they are logged, so
that logging does not make a GPU wait.
"""

from __future__ import annotations

import argparse
import sys

try:
    import torch
    from sklearn.datasets import load_digits
    from torch import nn
except ImportError as error:
    sys.exit(f"This example needs {error.name}: pip install torch scikit-learn")

from meticulous import Experiment


def load(seed, device):
    """Pictures and labels, shuffled: the last 360 digits are for the test."""
    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(seed))
    pictures = torch.tensor(digits.images, dtype=torch.float32)[order, None] / 16
    labels = torch.tensor(digits.target)[order]
    pictures, labels = pictures.to(device), labels.to(device)
    return (pictures[:-360], labels[:-360]), (pictures[-360:], labels[-360:])


def make_network(channels):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * channels * 16, 10),
    )


def train(args, experiment):
    """Train, log every epoch and save the network; return the test accuracy."""
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    (pictures, labels), test = load(args.seed, device)
    network = make_network(args.channels).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=args.lr, momentum=args.momentum)
    loss_of = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        network.train()
        for batch in torch.randperm(len(labels), device=device).split(args.batch_size):
            loss = loss_of(network(pictures[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            logits = network(test[0])
            accuracy = (logits.argmax(dim=1) == test[1]).float().mean()
        experiment.log(
            {
                "train": {"loss": loss},
                "test": {"loss": loss_of(logits, test[1]), "accuracy": accuracy},
            },
            step=epoch,
        )
        print(f"epoch {epoch:2}  train loss {loss:.4f}  test accuracy {accuracy:.3f}")

    with experiment.open("model.pt", "wb") as file:
        torch.save(network.state_dict(), file)
    experiment.summary({"accuracy": accuracy, "device": device})
    return accuracy


def main():
    parser = argparse.ArgumentParser(description="Train a network on scanned digits.")
    parser.add_argument("--lr", type=float, default=0.05, help="step size")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)

    Experiment.add_argument_group(parser)
    experiment = Experiment.from_parser(parser)
    args = parser.parse_args()

    accuracy = train(args, experiment)
    print(f"{accuracy:.1%} of the 360 test digits are right")


if __name__ == "__main__":
    main()
