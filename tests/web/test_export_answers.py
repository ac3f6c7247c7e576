"""An exported page computes what the server would answer: the same questions to both."""

import json
import math
import re
import shutil
import subprocess
from urllib.parse import urlencode

import pytest

from meticulous.experiments import Experiments
from meticulous.web import _export
from meticulous.web.api import Api
from meticulous.web.server import static_folder
from read.records import write_record
from web.browsing import FRONTEND, need

NODE = shutil.which("node") or ""
VITE = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"

MODELS = ["cnn", "mlp", None, "cnn", "a*b & <c>|_[d]", True, 1, 1.0, "1", "NaN", "mlp", -0.5]
RATES = [0.1, 1.0, 1e-05, 0.1, 1.0, 0.30000000000000004, 12345.678901234567]
STATUSES = ["SUCCESS"] * 9 + ["ERROR\nTraceback:\nValueError: x", "finished early"]


def args_of(number):
    args = {
        "model": MODELS[number % len(MODELS)],
        "lr": RATES[number % len(RATES)],
        "seed": number % 5,
        "width": 2 ** (number % 3) if number % 2 else float(2 ** (number % 3)),
        "optim": {"name": "sgd" if number % 3 else "adam", "nesterov": number % 4 == 0},
        "layers": [8, 4] if number % 2 else [16],
        "same": "here",
        "odd\x1b[31m name, with comma": f"text\t{number % 2}\x07",
    }
    if number % 7 == 3:
        del args["model"]
    if number % 6 == 5:
        args["dropout"] = None if number % 4 else 0.5
    return args


def summary_of(number):
    summary = {
        "acc": math.sin(number) ** 2,
        "val/loss": 1e-7 * (1 + math.cos(number)),
        "steps": 10**6 * (number % 4),
        "large": (-1) ** number * 1e300 * number,
        "tiny": number * 5e-324,
        "far_loss": (0.3 + number / 1000) * (1e9 if number % 5 == 4 else 1),
        "zero_loss": (1 if number < 5 else -1) + number / 1000,
        "flag": number % 2 == 0,
        "text": "good" if number % 3 else "bad",
        "same": 7,
    }
    if number % 8 == 6:
        summary["acc"] = "NaN"
    if number % 9 == 2:
        del summary["val/loss"]
    return summary


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    root = tmp_path_factory.mktemp("same") / "experiments"
    for number in range(1, 61):
        tags = {"tags": ["good", "x"][: 1 + number % 2]} if number % 5 == 0 else {}
        write_record(
            root,
            str(number) if number % 20 else f"run-{number}",
            status=STATUSES[number % len(STATUSES)],
            args=args_of(number),
            summary=summary_of(number) if number % 11 else None,
            annotations=tags or None,
            description="a 'quoted' \"text\"" if number % 2 else "",
            githead_sha=f"{number % 2}" * 40,
        )
    return Api(Experiments("", str(root)), True, "test")


@pytest.fixture(scope="module")
def ask(api, tmp_path_factory):
    """Ask an exported page of these experiments."""
    need(NODE and VITE.exists(), "the page's tools are not installed: make page")
    need(static_folder(), "the page is not built: make page")
    built = tmp_path_factory.mktemp("built")
    build = [NODE, VITE, "build", "--ssr", "tests/answer.js", "--outDir", built]
    subprocess.run([*build, "--logLevel", "error"], cwd=FRONTEND, check=True)
    page = _export.page(api, static_folder()).data.decode()
    data = re.search(r'id="data">(.*?)</script>', page, re.S)[1]

    def ask(questions):
        asked = [f"/api/{route}?{urlencode(query)}" for route, query in questions]
        given = json.dumps({"data": data, "questions": asked})
        command = [NODE, built / "answer.js"]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
        return [next(iter(answer.values())) for answer in json.loads(done.stdout)]

    return ask


def difference(page, server, place=""):
    """Where two answers first differ; empty when they say the same, numbers to twelve digits."""
    if isinstance(page, dict) and isinstance(server, dict) and page.keys() == server.keys():
        pairs = [(key, page[key], server[key]) for key in page]
    elif isinstance(page, list) and isinstance(server, list) and len(page) == len(server):
        pairs = list(zip(range(len(page)), page, server, strict=True))
    elif type(page) in (int, float) and type(server) in (int, float):
        isclose = math.isclose(page, server, rel_tol=1e-12, abs_tol=1e-300)
        return "" if isclose else f"{place}: {page} is not {server}"
    else:
        is_same = type(page) is type(server) and page == server
        return "" if is_same else f"{place}: {page!r} is not {server!r}"
    found = (difference(*pair[1:], f"{place}/{pair[0]}") for pair in pairs)
    return next(filter(None, found), "")


def check(api, ask, route, questions):
    answers = ask([(route, question) for question in questions])
    for question, page in zip(questions, answers, strict=True):
        server = json.loads(json.dumps(getattr(api, route)(**question), allow_nan=False))
        if route == "table":
            page, server = page["cells"], server["cells"]
            server = [
                {name: cell[name] for name in cell if name not in NOT_SHOWN} for cell in server
            ]
        else:
            del server["version"]
        assert not difference(page, server), question


NOT_SHOWN = ("shas", "std", "sem", "median", "low", "high")
COLUMNS = "expid,args.model,args.lr,summary.acc"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"limit": 7, "offset": 11},
        {"columns": "id,started,commit,tags,duration,`args.odd\x1b[31m name, with comma`"},
        {"columns": "args,summary"},
        {"ids": "7,3,run-20,nobody,3"},
        {"ids": "7,3,9", "sort": "-acc"},
    ],
)
def test_windows_are_cut_the_same(api, ask, asked):
    check(api, ask, "rows", [asked])


def test_rows_are_sorted_the_same(api, ask):
    keys = ["model", "-model", "lr,-seed", "-acc", "expid", "-id", "val/loss", "status", "width"]
    keys += ["layers", "-optim.nesterov,acc", "tags", "summary.text,-args.lr", "-large", "flag"]
    check(api, ask, "rows", [{"sort": key, "columns": COLUMNS} for key in keys])


FILTERS = """
    lr > 0.5
    args.lr <= 0.1 and seed != 2
    args_model == 'cnn' or args_model == "mlp"
    (seed == 1 or seed == 2) and not (lr < 0.5)
    0.05 < lr <= 1
    model != 'cnn'
    model == 1
    model == True
    model == "1"
    dropout.isnull()
    dropout.notnull() and model.notna()
    acc.isnull() or acc > 0.5
    `val/loss` < 1e-7
    summary.`val/loss` >= .5e-7
    'good' in tags
    tags.contains('x')
    model in ['cnn', 1, "a*b & <c>|_[d]"]
    seed not in [0, 3]
    status == 'ERROR'
    status.startswith('finished') or status.endswith('R')
    expid > 30
    expid in [3, 4, 50]
    id == '5'
    expid.startswith('run-')
    optim.nesterov
    not optim.nesterov and width == 2
    layers == [8, 4]
    layers
    large > -1
    description == "a 'quoted' \\"text\\""
    args.model.str.contains('n')
    text.upper() == 'GOOD' and steps > 1e6
    model.isin(['mlp', -0.5])
    acc == 'NaN'
    flag == 1
"""


def test_rows_are_filtered_the_same(api, ask):
    filters = [line.strip() for line in FILTERS.strip().splitlines()]
    check(api, ask, "rows", [{"filter": text, "columns": COLUMNS} for text in filters])
    matched = [api.rows(filter=text, limit=0)["matched"] for text in filters]
    assert sum(0 < count < 60 for count in matched) > 30


def test_groups_have_the_same_members_means_and_intervals(api, ask):
    questions = [
        {"groupby": "args.model"},
        {"groupby": "args.dropout,args.seed"},
        {"groupby": "args.lr", "sort": "-summary.acc"},
        {"groupby": "args.width", "sort": "count,-args.lr"},
        {
            "groupby": "args.layers",
            "columns": "args.layers,count,status,acc,text,tags,lr,summary.same,flag",
        },
        {"groupby": "args.optim.nesterov,args.optim.name", "filter": "lr > 0.05 and acc > 0.1"},
        {"groupby": "args.seed", "offset": 1, "limit": 2},
        {"groupby": "args.same", "sort": "-duration"},
        {"groupby": "status"},
        {"groupby": "`args.odd\x1b[31m name, with comma`"},
    ]
    check(api, ask, "rows", questions)
    counts = [len(ids) for ids in api.rows(groupby="args.dropout,args.seed")["ids"]]
    assert min(counts) < 3 < max(counts)  # without an interval and with one


def test_the_paper_table_has_the_same_cells_rounded_and_marked_the_same(api, ask):
    questions = [
        {"rows": rows, "cols": cols, "cell": cell, "filter": expression}
        for rows in ("args.model", "args.lr", "args.width,args.optim.name", "args.dropout")
        for cols in ("", "args.seed", "args.layers")
        for cell in ("summary.acc", "summary.val/loss,summary.steps,summary.acc", "summary.large")
        for expression in ("", "seed > 1")
    ]
    questions += [
        {"rows": "`args.odd\x1b[31m name, with comma`", "cell": "summary.flag"},
        {"rows": "args.seed", "cell": "summary.tiny"},
        {"rows": "args.seed", "cell": "summary.text"},
        {"rows": "args.seed", "cell": "summary.acc", "filter": "status == 'ERROR'"},
        {"rows": "model", "cols": "model", "cell": "acc,lr"},
    ]
    far = {"rows": "args.seed", "cell": "summary.far_loss"}
    zeros = far | {"cell": "summary.zero_loss", "filter": "expid in [1, 2, 3, 6, 7, 8]"}
    check(api, ask, "table", [*questions, far, far | {"rows": "args.model"}, zeros])
    texts = [cell["text"] for cell in api.table(**far)["cells"]]
    assert texts[0].startswith("0.3") and texts[4].endswith("e+08")
    cells = api.table(**zeros)["cells"]
    assert [(cell["text"][:3], cell["best"]) for cell in cells] == [
        ("0.0", True),
        ("0.0", False),
        ("0.0", False),
    ]


def test_what_cannot_be_answered_is_told_in_a_sentence(ask):
    answers = ask(
        [
            ("rows", {"sort": "accc"}),
            ("rows", {"filter": "lr ** 2 > 1"}),
            ("rows", {"groupby": "nothing"}),
            ("table", {"rows": "args.seed", "cell": "val/loss:max"}),
            ("table", {"rows": "args.seed", "cell": "acc", "spread": "ci"}),
        ]
    )
    told = ["Sort: There is no 'accc'", "Filter, column 4", "Groupby", "Cells", "deviations only"]
    for said, text in zip(answers, told, strict=True):
        assert text in said
