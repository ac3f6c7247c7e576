"""``meticulous ui``, up to where it would serve."""

import pytest

from meticulous.cli import main
from meticulous.web.server import Server, static_folder
from read.records import write_record


class NoApi:
    def refresh(self):
        return None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--export", ""], "name the file to write"),
        (["--port", "0"], "it has to be 1 to 65535"),
        (["--port", "70000"], "it has to be 1 to 65535"),
        (["--host", "0.0.0.0"], "others can reach the page. Say by which name"),
    ],
)
def test_what_would_not_work_is_refused(capfd, words, said):
    assert main(["ui", *words]) == 2
    assert said in capfd.readouterr().err


@pytest.mark.skipif(not static_folder(), reason="the page is not built: make page")
def test_a_missing_store_and_a_taken_port_are_told_in_a_line(capfd, tmp_path):
    assert main(["ui", "--experiments-directory", str(tmp_path / "none")]) == 1
    assert "There is no experiments folder" in capfd.readouterr().err
    write_record(tmp_path / "experiments", "1")
    taken = Server(NoApi())
    words = ["--experiments-directory", str(tmp_path / "experiments"), "--port", str(taken.port)]
    try:
        assert main(["ui", "--no-browser", *words]) == 1
        err = capfd.readouterr().err
        assert f"Cannot listen on 127.0.0.1:{taken.port}" in err and err.count("\n") == 1
        following = Server(NoApi(), port=taken.port, next_port=True)
        assert following.port != taken.port and following.token != taken.token
        following._socket.close()
    finally:
        taken._socket.close()


def test_the_page_can_be_described_without_anything_third_party(capfd):
    assert main(["ui", "--help"]) == 0
    assert "ssh" in capfd.readouterr().out
