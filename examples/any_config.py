"""Record any configuration: a dataclass, then a plain nested dictionary.

Run it in a git repository, as often as you like, then look at what it left:

    python any_config.py
    meticulous
    cat experiments/1/args.json
"""

from dataclasses import asdict, dataclass, field

from meticulous import Experiment


@dataclass
class Optimizer:
    lr: float = 0.1
    momentum: float = 0.9


@dataclass
class Config:
    steps: int = 50
    optimizer: Optimizer = field(default_factory=Optimizer)


def minimize(steps, lr, momentum, experiment):
    """Go down the parabola x^2 with momentum, from x = 1."""
    x, speed = 1.0, 0.0
    for step in range(steps):
        speed = momentum * speed - lr * 2 * x
        x += speed
        experiment.log({"loss": x * x, "x": x}, step=step)
    return x * x


# A dataclass: the second one says what it would have been without your changes.
config = Config(optimizer=Optimizer(lr=0.05))
with Experiment(config, default_args=Config(), description="a dataclass") as experiment:
    loss = minimize(config.steps, **asdict(config.optimizer), experiment=experiment)
    experiment.summary({"loss": loss})

# A dictionary: nest it as you like, and put anything into it.
settings = {"steps": 20, "optimizer": {"lr": 0.2, "momentum": 0.0}, "kind": Optimizer}
with Experiment(settings, description="a dictionary") as experiment:
    loss = minimize(settings["steps"], **settings["optimizer"], experiment=experiment)
    experiment.summary({"loss": loss})
