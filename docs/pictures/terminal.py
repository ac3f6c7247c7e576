"""Draw what the demo's listing prints, as an SVG: python terminal.py PICTURE.svg

The demo is run in a folder that is thrown away, so the picture shows what a person will see.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"
COLOURS = {"SUCCESS": "#7ee787", "ERROR": "#ff7b72"}
CHARACTER, LINE, MARGIN = 8.43, 20, 16


def listing() -> list[str]:
    """The command and its table, as the demo prints them."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, DEMO, Path(folder, "demo")],
            env={**os.environ, "COLUMNS": "110"},
            capture_output=True,
            text=True,
            check=True,
        )
    start = done.stdout.index("$ meticulous")
    return done.stdout[start:].split("\n\nThe folder")[0].splitlines()


def draw(lines: list[str]) -> str:
    """White on dark, a line of text per line, the status in its colour."""
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    text = []
    for number, line in enumerate(lines):
        content = html.escape(line)
        for word, colour in COLOURS.items():
            content = re.sub(rf"\b{word}\b", f'<tspan fill="{colour}">{word}</tspan>', content)
        y = MARGIN + 14 + number * LINE
        text.append(f'<text xml:space="preserve" x="{MARGIN}" y="{y}">{content}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}" font-size="14" fill="#e6edf3"'
            ' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace">',
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            *text,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(listing()), "utf-8")
