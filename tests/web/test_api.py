"""Questions and answers without any socket."""

import json
import os
import struct
import zipfile

import pytest

from meticulous import _files
from meticulous.cli import main
from meticulous.errors import QueryError, SettingError
from meticulous.experiments import Experiments
from meticulous.web import _routes
from meticulous.web._console import WHOLE, spans
from meticulous.web._rows import listed
from meticulous.web.api import Api, NotFoundError, RefusedError
from read.records import write_record


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "project" / "experiments"
    for number in range(1, 31):
        write_record(
            root,
            str(number),
            args={
                "lr": number / 10,
                "model": "big" if number % 3 else {"width": number},
                "seed": number % 5,
                "same": 1,
            },
            summary={"acc": None if number == 7 else 1 - 1 / number, "loss": "NaN"},
            annotations={"tags": ["a"], "name": f"n{number}"} if number % 10 == 0 else None,
            status="ERROR\nsys.exit(3)" if number == 4 else "SUCCESS",
        )
    write_record(root, "named", args={"lr": 0.5, "other": [1], "same": 1})
    return root


@pytest.fixture
def api(root):
    return Api(Experiments("", str(root)))


def listed_by_command(capfd, root, *options):
    assert main(["list", str(root), "--json", "--columns", "args.lr", *options]) == 0
    return [row["expid"] for row in json.loads(capfd.readouterr().out)["rows"]]


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ({}, []),
        ({"sort": "-summary.acc"}, ["--sort", "summary.acc"]),
        ({"sort": "args.lr"}, ["--sort", "args.lr", "--sort_reverse"]),
        ({"filter": "lr > 1.5 and acc > 0.9"}, ["--filter", "lr > 1.5 and acc > 0.9"]),
        (
            {"filter": "model == 'big'", "sort": "-lr"},
            ["--filter", "model == 'big'", "--sort", "lr"],
        ),
        ({"filter": "args.model.width > 8"}, ["--filter", "args.model.width > 8"]),
        ({"filter": "githead_sha.notnull()"}, ["--filter", "githead_sha.notnull()"]),
        ({"filter": "default_args.lr == 0.1"}, ["--filter", "default_args.lr == 0.1"]),
        (
            {"filter": "status == 'ERROR' or 'a' in tags"},
            ["--filter", "status == 'ERROR' or 'a' in tags"],
        ),
        ({"filter": "expid > 20"}, ["--filter", "expid > 20"]),
    ],
)
def test_the_page_gives_the_rows_of_the_command_line(api, root, capfd, question, options):
    found = api.rows(limit=1000, **question)
    ids = found["ids"] if "sort" in question else found["ids"][::-1]
    assert ids == listed_by_command(capfd, root, *options)
    assert found["matched"] == len(ids) and found["total"] == 31


def test_windows_and_columns_are_cut_from_one_table(api):
    whole = api.rows(sort="lr", limit=100)
    part = api.rows(sort="lr", offset=10, limit=5)
    assert part["ids"] == whole["ids"][10:15] and part["cells"] == whole["cells"][10:15]
    assert "args.same" not in whole["columns"] and "args.lr" in whole["columns"]
    some = api.rows(columns="args.lr,started,commit,tags", ids="3,10,nobody")
    assert some["ids"] == ["3", "10"] and some["columns"][1:] == ["started", "commit", "tags"]
    assert some["cells"][0][0] == 0.3 and some["cells"][1][3] == ["a"]
    every = api.rows(columns="args", limit=1)
    assert {"args.lr", "args.model", "args.model.width", "args.same"} <= set(every["columns"])
    nested = api.rows(columns="args.model,args.model.width", ids="3,4")
    assert nested["cells"] == [[{"width": 3}, 3], ["big", None]]
    assert api.rows(offset=500)["ids"] == []
    nothing = api.rows(columns="annotations", filter="expid == 1")
    assert nothing["ids"] == ["1"] and len(nothing["cells"][0]) == len(nothing["columns"])


def test_the_columns_are_those_that_differ_among_the_rows_that_match(tmp_path):
    for number in range(1, 131):
        late, lr = {"late": number > 125}, {"lr": number % 2}
        write_record(tmp_path, str(number), args={"same": 1, "kind": number // 100, **late, **lr})
    api = Api(Experiments("", str(tmp_path)))

    def shown(filter=""):
        return [name for name in api.rows(filter=filter)["columns"] if name.startswith("args.")]

    assert shown() == ["args.kind", "args.late", "args.lr"]
    assert shown("kind == 0") == ["args.lr"]
    assert shown("expid > 99 and lr == 1") == ["args.late"]
    assert shown("expid == 1") == shown("expid < 0") == []


def test_statuses_say_why_and_what_is_broken(api, root):
    (root / "5" / "args.json").write_text("{")
    rows = api.rows(ids="4,5", columns="status")
    assert [status["status"] for status in rows["statuses"]] == ["ERROR", "SUCCESS"]
    assert rows["statuses"][0]["message"] == "sys.exit(3)"
    assert "args.json is not JSON" in rows["statuses"][1]["problems"][0]


def test_groups_have_a_mean_and_an_interval(api, root):
    rows = api.rows(groupby="args.seed", columns="args.seed,count,args.lr,summary.acc")
    assert rows["matched"] == 6 and rows["cells"][0][:2] == [0, 6]
    assert rows["ids"][0] == ["5", "10", "15", "20", "25", "30"]
    lr = rows["cells"][0][2]
    assert lr["mean"] == pytest.approx(1.75) and lr["low"] < 1.75 < lr["high"]
    assert lr["std"] == pytest.approx(0.9354143466934853)
    by_mean = api.rows(groupby="args.seed", sort="-args.lr")
    means = [row[by_mean["columns"].index("duration")]["mean"] for row in by_mean["cells"]]
    assert len(means) == 6


def test_columns_tell_kinds_and_whether_they_differ(api):
    facts = {column["name"]: column for column in api.columns()}
    assert facts["args.lr"]["kind"] == "number" and facts["args.lr"]["differs"]
    assert facts["args.model"]["kind"] == "mixed" and facts["args.same"]["distinct"] == 1
    some = {column["name"]: column for column in api.columns(filter="seed == 1")}
    assert some["args.lr"]["distinct"] == 6 and not some["args.seed"]["differs"]
    assert facts["annotations.tags"]["kind"] == "object" and facts["status"]["group"] == "header"


def test_wrong_names_and_expressions_are_told_in_a_sentence(api):
    with pytest.raises(QueryError, match=r"column 1.*There is no 'lrr'.*args\.lr"):
        api.rows(filter="lrr > 1")
    with pytest.raises(SettingError, match=r"Sort: There is no 'accc'"):
        api.rows(sort="accc")
    assert listed("-a b,`c,d` , e,") == [("a b", True), ("c,d", False), ("e", False)]


def test_changes_are_seen_and_the_rest_stays(api, root):
    api.load()
    assert api.refresh() is None
    write_record(root, "99", args={"lr": 7, "brand_new": 1}, summary={"acc": 2})
    _files.replace_json(str(root / "3" / "summary.json"), {"acc": 5})
    for path in sorted((root / "8").iterdir(), reverse=True):
        path.unlink()
    (root / "8").rmdir()
    change = api.refresh()
    assert set(change["changed"]) == {"99", "3", "8"} and change["count"] == 31
    rows = api.rows(sort="-acc", columns="acc,args.brand_new", limit=2)
    assert rows["ids"] == ["3", "99"] and rows["cells"] == [[5, None], [2, 1]]
    assert rows["version"] == change["version"] == 2
    assert api.rows(filter="expid == 8")["ids"] == []
    _files.replace_json(str(root / "3" / "summary.json"), {"loss": 1})
    assert api.refresh()["changed"] == ["3"]
    assert api.rows(ids="3", columns="acc,loss")["cells"] == [[None, 1]]
    assert api.refresh() is None


def test_running_ones_are_followed(api, root):
    write_record(root, "50", status="RUNNING", session={"pid": 1, "host": "elsewhere"})
    api.load()
    assert api.refresh() is None
    with open(root / "50" / "metrics.jsonl", "w") as file:
        file.write('{"step":0,"time":"2026-01-01T00:00:00+00:00","loss":1}\n')
    change = api.refresh()
    assert change["changed"] == ["50"] and change["running"] == ["50"]
    with open(root / "50" / "metrics.jsonl", "a") as file:
        file.write('{"step":1,"time":"2026-01-01T00:00:01+00:00","loss":2}\n')
    assert api.refresh()["changed"] == ["50"]
    os.utime(root / "50" / "STATUS", (1e9, 1e9))
    change = api.refresh()
    assert change["changed"] == ["50"] and change["running"] == []
    assert api.rows(ids="50")["statuses"][0]["status"] == "SILENT"
    assert api.refresh() is None
    os.utime(root / "50" / "STATUS")
    assert api.refresh()["running"] == ["50"]


def clock(seconds):
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def write_metrics(folder, rows):
    lines = (
        json.dumps(
            {"step": step, "time": f"2026-01-01T00:{step // 60:02}:{step % 60:02}+00:00", **row}
        )
        for step, row in rows
    )
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))


def test_curves_keep_spikes_and_tell_what_is_not_finite(api, root):
    rows = [(n, {"loss": 1000.0 if n == 777 else 1.0, "epoch": n // 10}) for n in range(2000)]
    rows[100][1]["loss"] = "NaN"
    rows[200][1]["loss"] = "-Infinity"
    write_metrics(root / "1", rows)
    write_metrics(root / "2", [(n, {"acc": n / 2}) for n in range(5)])
    assert api.metrics(ids="1,2,3") == {"loss": ["1"], "epoch": ["1"], "acc": ["2"]}
    (curve,) = api.curves(ids="1,2", metric="loss", points=50)
    assert max(v for v in curve["high"] if v is not None) == 1000 and len(curve["x"]) <= 102
    assert curve["points"] == 2000
    assert curve["odd"] == [(100.0, "NaN"), (200.0, "-Infinity")]
    (few,) = api.curves(ids="2", metric="acc")
    assert few["x"] == [0, 1, 2, 3, 4] and few["low"] == few["high"] == few["mean"]
    (zoomed,) = api.curves(ids="1", metric="loss", low=770, high=780)
    assert zoomed["x"] == list(range(770, 781)) and zoomed["mean"][7] == 1000
    (timed,) = api.curves(ids="2", metric="acc", x="wall")
    assert timed["x"][1] - timed["x"][0] == 1
    (joined,) = api.curves(ids="1", metric="loss", x="epoch", points=20_000)
    assert joined["x"][15] == 1 and len(joined["x"]) == 2000
    (log,) = api.curves(ids="1", metric="loss", points=50, log=True)
    assert log["x"][:4] == [0, 1, 2, 3] and log["points"] == 2000
    (relative,) = api.curves(ids="1", metric="loss", points=50, x="relative", log=True)
    assert relative["points"] == 2000
    main_curves = api.main(ids="1,2,3")
    assert main_curves["1"]["metric"] == "loss" and len(main_curves["1"]["values"]) <= 40
    assert main_curves["2"]["metric"] == "acc" and main_curves["3"] is None


def test_show_diff_and_table_are_those_of_the_command_line(api, root, capfd):
    def printed(*words):
        assert main([*words, "--json", "--experiments-directory", str(root)]) == 0
        answer = json.loads(capfd.readouterr().out)
        return answer[words[0] if words[0] != "show" else "experiment"]

    assert json.loads(json.dumps(api.experiment("3"))) == printed("show", "3")
    compared = api.compare(ids="3,4")
    for pair in compared["sections"]["code"]["pairs"]:
        pair["patch"] = None
    assert json.loads(json.dumps(compared)) == printed("diff", "3", "4")
    table = api.table(rows="args.seed", cell="summary.acc", filter="expid > 8")
    assert "\\begin{tabular}" in table.pop("latex") and table.pop("markdown").startswith("| seed |")
    words = ("table", "--rows", "args.seed", "--cell", "summary.acc", "--filter", "expid > 8")
    assert json.loads(json.dumps(table)) == printed(*words)
    with pytest.raises(SettingError, match="from 2 to"):
        api.compare(ids="3")


def test_the_console_is_paged_searched_and_coloured(api, root):
    text = "".join(f"line {n}\n" for n in range(100)) + "Traceback (most recent call last)\nboom\n"
    (root / "1" / "stdout").write_text("10%\r\x1b[31mred\x1b[0m done\n" + text + "tail")
    page = api.console("1", start=0, count=2)
    assert page["lines"] == [[("red", "31"), (" done", "")], [("line 0", "")]]
    assert (page["total"], page["more"], page["errors"]) == (104, True, [101])
    assert api.console("1", start=-2)["lines"] == [[("boom", "")], [("tail", "")]]
    found = api.console("1", search="LINE 9", count=3)
    assert found["numbers"] == [10, 91, 92] and found["more"]
    with open(root / "1" / "stdout", "a") as file:
        file.write(" grows\nmore\n")
    assert api.console("1", start=-2)["lines"] == [[("tail grows", "")], [("more", "")]]
    assert spans("\x1b[0;1;31mx\x1b[0m") == [("x", "1;31")]
    with pytest.raises(NotFoundError, match="stderr"):
        (root / "1" / "stderr").unlink()
        api.console("1", stream="stderr")


def test_a_large_console_is_paged_without_reading_all_of_it(api, root):
    lines = 300_000
    with open(root / "1" / "stdout", "w") as file:
        for n in range(lines):
            file.write(f"number {n}\n" if n != 250_000 else "Traceback (most recent call last)\n")
    assert (root / "1" / "stdout").stat().st_size > WHOLE
    page = api.console("1", start=-3)
    assert page["lines"][-1] == [(f"number {lines - 1}", "")] and page["start"] == lines - 3
    assert page["total"] == lines and page["exact"] and page["errors"] == [250_000]
    assert len(api.console("1", start=-3, count=1)["lines"]) == 1
    middle = api.console("1", start=123_456, count=2)
    assert middle["lines"] == [[("number 123456", "")], [("number 123457", "")]]
    found = api.console("1", search="NUMBER 29999", count=100)
    assert found["numbers"] == [29_999, *range(299_990, 300_000)] and not found["more"]
    assert api.console("1", start=lines - 1, count=5)["lines"] == [[(f"number {lines - 1}", "")]]


def npy(shape, descr="<f4"):
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 8


def test_previews_are_bounded_and_run_nothing(api, root):
    folder = root / "1"
    (folder / "x.npy").write_bytes(npy((3, 4)))
    (folder / "o.npy").write_bytes(npy((2,), "|O"))
    (folder / "evil.npy").write_bytes(b"\x93NUMPY\x01\x00\x20\x00__import__('os').system('true')  ")
    with zipfile.ZipFile(folder / "z.npz", "w") as archive:
        archive.writestr("weights.npy", npy((10, 20)))
    (folder / "t.csv").write_text("a,b\n1,<script>\n" + "2,3\n" * 5000)
    (folder / "big.txt").write_text("x" * 5_000_000)
    (folder / "README.md").write_text("# <b>hi</b>")
    (folder / "x.bin").write_bytes(b"\0\1\2")
    (folder / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n123")

    def preview(path):
        return api.preview("1", path=path)

    assert preview("x.npy")["arrays"][0]["shape"] == [3, 4]
    assert preview("o.npy")["arrays"][0]["dtype"] == "|O"
    assert preview("evil.npy")["arrays"][0]["note"]
    assert (
        preview("z.npz")["arrays"][0] | {"name": "weights", "shape": [10, 20]}
        == preview("z.npz")["arrays"][0]
    )
    table = preview("t.csv")
    assert table["columns"] == ["a", "b"] and table["rows"][0] == ["1", "<script>"]
    assert len(table["rows"]) == 999 and "first 1000" in table["note"]
    assert len(preview("big.txt")["text"]) == 1 << 21 and preview("big.txt")["truncated"]
    assert preview("README.md")["kind"] == "markdown" and preview("x.bin")["kind"] == "none"
    assert preview("p.png") == {"path": "p.png", "size": 11, "kind": "image", "type": "image/png"}
    kinds = {file["path"]: file["kind"] for file in api.files("1")}
    assert kinds["p.png"] == "image" and kinds["args.json"] == "record"


def test_annotations_are_checked_written_and_seen_at_once(api, root):
    api.load()
    assert api.annotations("3", "tag", "paper, best")["tags"] == ["paper", "best"]
    api.annotations("3", "note", " <script>alert(1)</script> ")
    api.annotations("3", "name", "the one")
    assert api.rows(filter="'paper' in tags", columns="tags,name")["cells"] == [
        [["paper", "best"], "the one"]
    ]
    kept = json.loads((root / "3" / "annotations.json").read_text())
    assert kept["notes"][0]["text"] == "<script>alert(1)</script>"
    wrong = [("lock", True), ("tag", 3), ("tag", ""), ("note", " "), ("name", ["x"])]
    for action, value in [*wrong, ("name", "17"), ("name", "named"), ("name", " last~2 ")]:
        with pytest.raises(SettingError):
            api.annotations("3", action, value)
    assert "name" not in api.annotations("3", "name", "")
    with pytest.raises(NotFoundError):
        api.annotations("../3", "note", "x")
    closed = Api(Experiments("", str(root)), read_only=True)
    with pytest.raises(RefusedError):
        closed.annotations("3", "note", "x")


def test_large_stores_answer_before_everything_is_read(tmp_path):
    root = tmp_path / "experiments"
    for number in range(1, 451):
        write_record(root, str(number), args={"lr": number})
    api = Api(Experiments("", str(root)))
    rows = api.rows(limit=5)
    assert rows["ids"] == ["450", "449", "448", "447", "446"]
    assert rows["matched"] == rows["total"] == 450
    api = Api(Experiments("", str(root)))
    rows = api.rows(offset=10, limit=5)
    assert rows["ids"][0] == "440" and rows["offset"] == 10
    api.load()
    assert api.refresh()["changed"] == []  # the page asks again
    assert api.rows(sort="lr", limit=1)["ids"] == ["1"]


def test_parameters_are_checked():
    route = next(route for route in _routes.ROUTES if route.name == "rows")
    assert _routes.parsed(route, [("limit", "5")])["limit"] == 5
    for query in ([("limt", "5")], [("limit", "x")], [("limit", "-1")], [("limit", "1")] * 2):
        with pytest.raises(SettingError):
            _routes.parsed(route, query)
    console = next(route for route in _routes.ROUTES if route.name == "console")
    with pytest.raises(SettingError, match="is none of stdout, stderr"):
        _routes.parsed(console, [("stream", "args.json")])


def test_code_is_told_against_its_base_and_against_today(repository):
    program = repository.program(
        """
        from meticulous import Experiment
        Experiment({"lr": 1}, dirty="snapshot").finish()
        """
    )
    repository.write("model.py", "WIDTH = 1\n")
    repository.commit("a model")
    assert repository.run(program).returncode == 0
    repository.write("model.py", "WIDTH = 2\n")
    repository.write("new.py", "x = 1\n")
    assert repository.run(program).returncode == 0
    repository.commit("what is today")
    repository.write("later.py", "")
    repository.commit("later")
    api = Api(Experiments("", str(repository.root)))
    plain = api.code("1")
    assert plain["files"] == [] and plain["note"] == "It ran as committed."
    base = api.code("2")
    assert {file["path"]: file["status"] for file in base["files"]} == {
        "model.py": "modified",
        "new.py": "added",
    }
    model = next(file for file in base["files"] if file["path"] == "model.py")
    assert "-WIDTH = 1\n+WIDTH = 2\n" in model["patch"] and (model["added"], model["removed"]) == (
        1,
        1,
    )
    today = api.code("1", against="head")
    assert [commit["subject"] for commit in today["commits"]] == ["later", "what is today"]
    assert {file["path"] for file in today["files"]} == {"model.py", "new.py", "later.py"}
    same = api.code("2", against="head")
    assert {file["path"] for file in same["files"]} == {"later.py"}
    for ref in repository.git("for-each-ref", "--format=%(refname)", "refs/meticulous").split():
        repository.git("update-ref", "-d", ref)
    repository.git("reflog", "expire", "--expire=now", "--all")
    repository.git("gc", "-q", "--prune=now")
    lost = api.code("2")
    assert "have kept" in lost["note"] or "has kept" in lost["note"]
    assert {file["path"] for file in lost["files"]} >= {"model.py"}
