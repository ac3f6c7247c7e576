"""Take pictures of the page of `meticulous ui`: python page.py FOLDER

The experiments are recorded in a folder that is thrown away, by a program that only pretends to
train; the pictures are of the real page, in Chromium. It needs the built page (make page).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from meticulous.experiments import Experiments
from meticulous.web.api import Api
from meticulous.web.server import Server, static_folder

TRAIN = '''\
"""Pretend to train small networks on handwritten digits."""

import random
import sys

from meticulous import Experiment


def train(model, lr, seed):
    chance = random.Random(f"{model} {lr} {seed}")
    floor = {"mlp": 0.22, "cnn": 0.11, "vit": 0.16}[model] + 0.04 * abs(lr - 0.1) / lr
    args = {"model": model, "lr": lr, "seed": seed, "epochs": 40}
    with Experiment(args, continue_on_error=True, dirty="snapshot") as experiment:
        print(f"training {model} with lr {lr}")
        for step in range(400):
            loss = floor + 2.2 * 0.985 ** (step * (1 + lr)) + chance.gauss(0, 0.02)
            if lr > 0.5 and step > 150:
                raise FloatingPointError(f"the loss is not finite in step {step}")
            if lr > 0.5 and step > 120:
                loss = float("nan")
            accuracy = 1 - loss / 3 + chance.gauss(0, 0.004) if loss == loss else 0.1
            experiment.log({"loss": loss, "accuracy": accuracy}, step=step)
            if step % 50 == 0:
                print(f"step {step}: loss {loss:.3f}")
        experiment.summary({"accuracy": round(accuracy, 4), "loss": round(loss, 4)})


for seed in range(3):
    for model in ("mlp", "vit", "cnn"):
        for lr in (0.03, 0.1, 0.3, 1.0) if model == "cnn" else (0.03, 0.1):
            train(model, lr, seed)
'''
COMMAND = (sys.executable, "-m", "meticulous")


def record(project: Path) -> None:
    """Record the experiments, the last ones with a change that is not committed."""

    def run(*words: str) -> None:
        subprocess.run(words, cwd=project, check=True, capture_output=True)

    project.mkdir()
    (project / "train.py").write_text(TRAIN)
    (project / ".gitignore").write_text("experiments/\n")
    run("git", "init", "--quiet", "--initial-branch=main")
    run("git", "add", "--all")
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    run("git", *person, "commit", "--quiet", "--message=Train on digits")
    run(sys.executable, "train.py")
    change = TRAIN.replace("range(3)", "range(3, 4)").replace('"cnn": 0.11', '"cnn": 0.07')
    (project / "train.py").write_text(change)
    run(sys.executable, "train.py")
    run(*COMMAND, "tag", "last~1", "best", "paper")
    run(*COMMAND, "rename", "last~1", "wider kernels")


def take(page: Page, url: str, folder: Path) -> None:
    """Take each picture when all of it is there."""

    def picture(name: str, address: str, content: str) -> None:
        page.goto(f"{url}/{address}")
        page.locator(content).first.wait_for()
        page.wait_for_timeout(1000)  # what is drawn comes a moment later
        page.screenshot(path=folder / f"page-{name}.png")

    picture("table", "#/?filter=lr+<+2&selected=30,31", ".grid-body .row")
    picture("curves", "#/curves?selected=25-32&smooth=0.6", "figure.panel canvas")
    picture("code", "#/experiment/31/code", "table, .patch, pre")


def main() -> None:
    folder = Path(sys.argv[1])
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as place:
        project = Path(place, "digits")
        os.environ["HOME"] = place
        record(project)
        server = Server(Api(Experiments(project)), static=static_folder())
        thread = threading.Thread(target=server.run, kwargs={"signals": False})
        thread.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1200, "height": 640})
            page.goto(server.url)
            take(page, server.url.partition("/?")[0], folder)
            browser.close()
        server.stop()
        thread.join()


if __name__ == "__main__":
    main()
