"""Secrets become ``***`` and are listed by key; what only sounds like one stays."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import types
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meticulous import _json
from meticulous._redact import Redactor
from meticulous.errors import SettingError

SECRET_NAMES = tuple(
    """
    api_key apikey apiKey APIKey API-KEY x-api-key openai_api_key wandb_api_key WANDB_API_KEY
    comet_ml_api_key secret secrets secret_key aws_secret_access_key client_secret clientSecret
    vault_secret_id password passwd pwd passphrase user_password dbPassword PGPASSWORD MYSQL_PWD
    db_pass sshpass password1 token access_token accessToken auth_token hf_token HF_TOKEN
    HUGGING_FACE_HUB_TOKEN github_token neptune_api_token refresh_token bot_token private_key
    ssh_private_key credentials credential gcp_credentials connection_string connectionString
    azure_storage_connection_string dsn sentry_dsn authorization encryption_key signing_key
    account_key license_key openai_key kaggle_key jwt session_token mlflow_tracking_token cookie
    model.api_key db/password trainer.logger.api-key
    """.split()  # noqa: SIM905
)

PLAIN_NAMES = tuple(
    """
    num_tokens n_tokens max_tokens max_new_tokens total_tokens tokens token_budget tokenizer
    tokenizer_name tokenization token_dim token_type token_type_ids token_id token_ids num_token
    use_cls_token cls_token pad_token eos_token bos_token sep_token mask_token mask_token_id
    unk_token special_tokens additional_special_tokens image_token_index stop_token
    initializer_token placeholder_token detokenize keypoint keypoints key keys key_dim key_size
    key_padding_mask num_key_value_heads sort_key primary_key image_key label_key jax_key rng_key
    keyframe monkey hotkey keyboard turkey author authors authority passes num_passes pass
    pass_rate passthrough bypass compass low_pass forward_pass n_pass password_length
    password_file token_file token_path secret_name private_key_path api_key_file api_key_env
    api_key_name secretary auth_type authentication credentials_file cookie_path signature design
    designer_pat hidden_dim lr description dataset_name connection connections conn_type project
    """.split()  # noqa: SIM905
)


def redacted(value, **options):
    redactor = Redactor(**options)
    return redactor.mapping(value), redactor.hits


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_the_value_of_a_secret_name_is_marked_wherever_it_stands(name):
    value = "hunter2!"
    assert redacted({name: value}) == ({name: "***"}, [f"args.{name}"])
    redactor = Redactor()
    assert redactor.argv([f"--{name}", value]) == [f"--{name}", "***"]
    assert redactor.argv(["x", f"--{name}={value}", "y"]) == ["x", f"--{name}=***", "y"]
    assert redactor.argv([f"{name}={value}"]) == [f"{name}=***"]
    assert redactor.argv([f"+{name}={value}"]) == [f"+{name}=***"]
    assert redactor.hits == ["command[0]", "command[1]"]
    if "/" not in name:
        assert redactor.text(f"a {name}={value} b") == f"a {name}=*** b"
        assert redactor.text(f'{{"{name}": "{value}"}}') == f'{{"{name}": "***"}}'
        assert redactor.text(f"Namespace(x=1, {name}='{value}', y=2)") == (
            f"Namespace(x=1, {name}='***', y=2)"
        )
        assert redactor.text(f"run --{name} {value} --x") == f"run --{name} *** --x"
    assert Redactor(keep=[name]).mapping({name: value}) == {name: value}


@pytest.mark.parametrize("name", PLAIN_NAMES)
@pytest.mark.parametrize("value", ["hunter2!", "3", "<pad>", "a/b"])
def test_what_only_sounds_like_a_secret_stays(name, value):
    assert redacted({name: value}) == ({name: value}, [])
    redactor = Redactor()
    words = [f"--{name}", value, f"--{name}={value}", f"{name}={value}", f"-{name}"]
    assert redactor.argv(words) == words
    for text in (f"{name}={value} {name}: {value}", f'{{"{name}": "{value}"}}'):
        assert redactor.text(text) == text
    assert redactor.hits == []


@pytest.mark.parametrize("name", ["token", "hf_token", "access_token", "password", "api_key"])
@pytest.mark.parametrize("value", [None, "", True, False, "true", "None", "***", "$TOKEN", "${T}"])
def test_nothing_a_switch_or_a_reference_is_no_secret(name, value):
    assert redacted({name: value}) == ({name: value}, [])
    if isinstance(value, str):
        assert Redactor().argv([f"--{name}", value]) == [f"--{name}", value]


@pytest.mark.parametrize(
    ("args", "expected", "hits"),
    [
        ({"token": 5, "hf_token": 0.5, "n": 3}, None, []),
        ({"token": "5", "x_token": "abc", "token2": "<s>", "pad": "[PAD]"}, None, []),
        ({"password": 1234}, {"password": "***"}, ["args.password"]),
        ({"use_auth_token": "yes", "no_password": "x y"}, None, []),
        ({"pwd": "/home/me", "credentials": "key.json", "private_key": "~/.ssh/id"}, None, []),
        ({"acme_token": "tok-9f8e7d6c5b"}, {"acme_token": "***"}, ["args.acme_token"]),
        ({"auth": "basic", "proxy_auth": "none"}, None, []),
        ({"PyJWT": "2.8.0", "browser-cookie3": "0.20.1rc1"}, None, []),
        ({"auth": "me:hunter"}, {"auth": "***"}, ["args.auth"]),
        (
            {"db": {"user": "me", "password": "x", "ports": [1, {"secret": "y"}]}},
            {"db": {"user": "me", "password": "***", "ports": [1, {"secret": "***"}]}},
            ["args.db.password", "args.db.ports[1].secret"],
        ),
        (
            {"credentials": {"user": "me", "pin": 12, "on": True, "scope": ["a"]}},
            {"credentials": {"user": "***", "pin": "***", "on": True, "scope": ["***"]}},
            ["args.credentials.pin", "args.credentials.scope[0]", "args.credentials.user"],
        ),
        (
            {"token": {"dim": "large", "kind": "bpe"}, "api_keys": ("a", "b")},
            {"token": {"dim": "large", "kind": "bpe"}, "api_keys": ("***", "***")},
            ["args.api_keys[0]", "args.api_keys[1]"],
        ),
        (
            {"urls": ["https://me:x@h/p"], "https://a:b@c": 1, 3: {"password": "x"}},
            {"urls": ["https://me:***@h/p"], "https://a:***@c": 1, 3: {"password": "***"}},
            ["args (a name)", "args.3.password", "args.urls[0]"],
        ),
        (
            {"password": b"x", "data": b"\x00\xff"},
            {"password": "***", "data": b"\x00\xff"},
            ["args.password"],
        ),
    ],
)
def test_args_are_redacted_however_deep_and_keep_their_shape(args, expected, hits):
    before = repr(args)
    clean, found = redacted(args)
    assert clean == (args if expected is None else expected)
    assert list(map(str, clean)) == list(map(str, expected or args))
    assert found == hits
    assert repr(args) == before
    assert Redactor().mapping(clean) == clean


def test_objects_are_looked_into_and_left_alone_without_secrets():
    @dataclasses.dataclass
    class Login:
        user: str
        password: str = "x"

    class Pair(typing.NamedTuple):
        name: str
        token: str

    class Broken:
        __dataclass_fields__ = property(lambda self: 1 / 0)
        model_fields: typing.ClassVar = {"a": 1}

        def __getattr__(self, name):
            raise RuntimeError(name)

    plain = types.SimpleNamespace(lr=1)
    args = {"login": Login("me"), "pair": Pair("a", "b"), "plain": plain, "fn": len}
    clean, hits = redacted(args)
    assert clean == {
        "login": {"user": "me", "password": "***"},
        "pair": {"name": "a", "token": "***"},
        "plain": plain,
        "fn": len,
    }
    assert clean["plain"] is plain
    assert hits == ["args.login.password", "args.pair.token"]
    pair = Pair("a", "<s>")
    assert redacted({"pair": pair})[0]["pair"] is pair
    assert redacted({"x": Broken(), "lr": 1}) == ({"x": "***", "lr": 1}, ["args.x"])


def test_cycles_and_depth_end():
    ring: dict[str, typing.Any] = {"password": "x"}
    ring["self"] = ring
    deep: typing.Any = "https://a:b@c"
    for _ in range(5000):
        deep = [deep]
    clean, hits = redacted({"ring": ring, "deep": deep, "lr": 1})
    assert clean["ring"] == {"password": "***", "self": "<cycle>"}
    assert clean["lr"] == 1
    assert "a:b" not in str(_json.plain(clean))
    assert "args.ring.password" in hits


SHAPES = [
    "ghp_" + "aB3" * 12,
    "gho_" + "aB3" * 12,
    "github_pat_" + "11ABCDEFG0" * 5,
    "glpat-" + "a1-B" * 5,
    "hf_" + "AbcdEfgh" * 4,
    "sk-" + "aB3" * 16,
    "sk-proj-" + "aB3_" * 12,
    "sk-ant-api03-" + "aB3-" * 12,
    "AKIA" + "ABCDEFGH12345678",
    "xoxb-123456789012-abcdefGHIJKL",
    "AIza" + "aB3_-" * 7,
    "ya29." + "aB3_-" * 7,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
    "npm_" + "aB3" * 12,
    "pypi-" + "AgEIcHlwaS5vcmc" * 4,
    "gsk_" + "aB3" * 12,
    "SG." + "aB3" * 7 + "." + "aB3" * 12,
    "sk_live_" + "aB3" * 8,
    "nvapi-" + "aB3_" * 12,
]


@pytest.mark.parametrize("token", SHAPES, ids=lambda token: token[:8])
def test_tokens_are_known_by_their_shape(token):
    redactor = Redactor()
    assert redactor.mapping({"note": token}) == {"note": "***"}
    assert redactor.mapping({"note": f"use {token}, or not"}) == {"note": "use ***, or not"}
    assert redactor.argv([f"--note={token}", token]) == ["--note=***", "***"]
    assert redactor.text(f"f({token!r})\n'{token}'") == "f('***')\n'***'"
    assert token not in redactor.text(f"https://{token}@host/x https://x:{token}@host/?a={token}")
    assert redactor.text("word" + token) == "word" + token or token[:3] in ("hoo", "sk-")
    assert redactor.hits == ["args.note", "command[0]", "command[1]", "text"]


@pytest.mark.parametrize(
    "text",
    [
        "task-classification-of-long-documents",
        "sk-learn-random-forest-classifier",
        "hf_internal_testing_tiny_random_model",
        "hf_hubdownloadofsomethinglong",
        "risk-assessment eyJ.eyJ xoxo- AKIA AKIAabc gpt-4 ghp_short SG.nope",
        "https://host/path?x=1 http://[::1]:80/a@b git@github.com:me/repo.git ssh://git@host/x",
        "https://host:8080/a:b@c https://user@host/ s3://bucket/a:b/c file:///a:b@c",
        "basic transformer architectures; Bearer of good news; a basic configuration",
        "token: unexpected end; password: must be at least 8 characters long",
        "KeyError: 'api_key'",
        "TypeError: f() got an unexpected keyword argument 'token'",
        "error: the following arguments are required: --password, --api-key",
        "argument --token: expected one argument; --password is required",
        "usage: train [--token TOKEN] [--api-key API_KEY] x",
        "def f(password: str, token: str = None, api_key=None):",
        "    self.token = token\n    login(password=args.password, token=read_token(path))",
        "    key = os.environ['API_KEY']; token = os.environ[\"HF_TOKEN\"]",
        "if password == other: pass",
        "tokens=5, max_tokens=100, token=5, pad_token=<pad>, eos_token='</s>'",
        "12:30:45 lr=0.1 loss: 0.5 author=Ada keys=[1, 2] pass_rate=0.3",
        "C:\\Users\\me\\file",
        "9a0364b9e99bb480dd25e1f0284c8555 970d8ad001f5d42a9d2b4a0d9c3a8d5a7e6f1b2c",
    ],
)
def test_plain_text_stays_as_it_is(text):
    redactor = Redactor()
    assert redactor.text(text) == text
    assert redactor.mapping({"note": text}) == {"note": text}
    assert redactor.hits == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:x@h/p.git", "https://me:***@h/p.git"),
        ("https://me:p@ss:w@h/p", "https://me:***@h/p"),
        ("redis://:x@h:6379/0", "redis://:***@h:6379/0"),
        ("https://oauth2:${TOKEN}@h", "https://oauth2:${TOKEN}@h"),
        ("https://9f8e7d6c5b4a39281706@h/1", "https://***@h/1"),
        ("https://9f8e7d6c5b4a39281706:x-oauth-basic@h", "https://***:***@h"),
        ("GET /x?token=abc&y=1&api_key=z", "GET /x?token=***&y=1&api_key=***"),
        ("https://h/x?sig=aB3%2BaB3%2BaB3aB3&se=1", "https://h/x?sig=***&se=1"),
        ("X-Amz-Signature=0123456789abcdef0123", "X-Amz-Signature=***"),
        ("Authorization: Bearer abcdef", "Authorization: Bearer ***"),
        ("'Authorization': 'Basic dTpw'", "'Authorization': 'Basic ***'"),
        ('{"authorization": "Token abc"}', '{"authorization": "Token ***"}'),
        ("sent Bearer abcdefgh1234 to h", "sent Bearer *** to h"),
        ("sent basic dXNlcjpzZWNyZXQ= to h", "sent basic *** to h"),
        ("AKIAABCDEFGH12345678:" + "aB3/" * 10, "***:***"),
        ("aws_secret_access_key = " + "aB3/" * 10, "aws_secret_access_key = ***"),
        ("export WANDB_API_KEY=abc; python t.py", "export WANDB_API_KEY=***; python t.py"),
        ("password='a\\'b', x=1", "password='***', x=1"),
        ('password="a b", x=1', 'password="***", x=1'),
        ("password=a,b,user=me", "password=***,user=me"),
        ("{password: x, user: me}", "{password: ***, user: me}"),
        ("db:\n  password: x\n  user: me", "db:\n  password: ***\n  user: me"),
        ('"{\\"password\\": \\"x\\"}"', '"{\\"password\\": \\"***\\"}"'),
        ("password=b'x'", "password=b'***'"),
        ("PASSWORD=,x", "PASSWORD=***"),
        ('password="torn', 'password="***'),
        ("hooks.slack.com/services/T0/B0/abcdefghijkl", "hooks.slack.com/services/***"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef==\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nx",
        ),
        ("-----BEGIN PRIVATE KEY-----\\nMIIabc", "-----BEGIN PRIVATE KEY-----***"),
        ("curl --api-key abc -x", "curl --api-key *** -x"),
        ("curl --api-key 'abc' -x", "curl --api-key '***' -x"),
    ],
)
def test_secrets_in_text_are_marked_and_the_rest_stays(text, expected):
    redactor = Redactor()
    assert redactor.text(text, "traceback") == expected
    assert redactor.hits == ([] if text == expected else ["traceback"])
    assert redactor.text(expected) == expected


@pytest.mark.parametrize(
    ("argv", "expected", "hits"),
    [
        (
            ["t.py", "--api-key", "X", "--lr", "1", "X"],
            ["t.py", "--api-key", "***", "--lr", "1", "X"],
            [2],
        ),
        (["--password", "--lr", "1"], None, []),
        (["--password", "-5x", "y"], ["--password", "***", "y"], [1]),
        (["--password", "p", "t.py"], ["--password", "***", "t.py"], [1]),
        (["--api-keys", "a", "b", "--lr", "1"], ["--api-keys", "***", "***", "--lr", "1"], [1, 2]),
        (["-H", "Authorization: Bearer x y"], ["-H", "Authorization: Bearer *** y"], [1]),
        (["-H", "X-Api-Key: x y"], ["-H", "X-Api-Key: ***"], [1]),
        (["--header=Authorization: Bearer x"], ["--header=Authorization: Bearer ***"], [0]),
        (["https://u:secret@h"], ["https://u:***@h"], [0]),
        (["--remote=https://u:secret@h/p"], ["--remote=https://u:***@h/p"], [0]),
        (["WANDB_API_KEY=x y", "HOME=/root"], ["WANDB_API_KEY=***", "HOME=/root"], [0]),
        (["db.password=x", "++db.user=me"], ["db.password=***", "++db.user=me"], [0]),
        (['--config={"password": "x", "lr": 1}'], ['--config={"password": "***", "lr": 1}'], [0]),
        (["db={user:me,password:x}"], ["db={user:me,password:***}"], [0]),
        (
            ["-c", "export HF_TOKEN=x; t --api-key y"],
            ["-c", "export HF_TOKEN=***; t --api-key ***"],
            [1],
        ),
        (["--use-auth-token", "t.py", "--no-password", "x", "--token", "5"], None, []),
        (
            ["-p", "x", "--token-dim=3", "--author", "Ada", "--tokenizer", "bpe", "-", "--", ""],
            None,
            [],
        ),
        (["--name", "", "a=b=c", "=", "--=", "-=x", "\udcff"], None, []),
    ],
)
def test_command_lines_keep_every_word_but_secrets(argv, expected, hits):
    redactor = Redactor()
    before = list(argv)
    assert redactor.argv(argv) == (argv if expected is None else expected)
    assert redactor.hits == sorted(f"command[{index}]" for index in hits)
    assert argv == before
    assert redactor.argv(redactor.argv(tuple(argv))) == redactor.argv(argv)


def test_settings_add_names_and_keep_marks():
    args = {
        "my_code": "a",
        "my-code-2": "b",
        "model": {"hub_token": "c", "token": "d"},
        "token": "e",
    }
    redactor = Redactor([r"^my.code", "UNUSED"], ["hub-token", r"model\.tok.*"])
    assert redactor.mapping(args) == {
        "my_code": "***",
        "my-code-2": "***",
        "model": {"hub_token": "c", "token": "d"},
        "token": "***",
    }
    assert redactor.hits == ["args.my-code-2", "args.my_code", "args.token"]
    words = ["--hub-token", "hf_" + "AbcdEfgh" * 4, "--hub_token=x", "--my-code", "z", "token=q"]
    assert redactor.argv(words) == [*words[:4], "***", "token=***"]
    assert redactor.text("hub_token=a token=b my_code=c") == "hub_token=a token=*** my_code=***"
    with pytest.raises(SettingError, match=r"redact: '\(' is no regular expression") as raised:
        Redactor(["("])
    assert raised.value.name == "redact"
    with pytest.raises(SettingError, match="keep"):
        Redactor(keep=["["])


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(blacklist_characters=":=-_"), max_size=20)
    | st.binary(max_size=5).filter(lambda data: not set(b":=-_") & set(data))
)
_NAMES = st.sampled_from(PLAIN_NAMES) | st.text("abcxyz .[]é", max_size=8).filter(
    lambda name: "pat" not in name
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(_NAMES | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)
_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.just(len),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_values_without_secrets_are_never_changed(args):
    clean, hits = redacted(args)
    assert clean == args
    assert list(clean) == list(args)
    assert hits == []


@settings(deadline=None, max_examples=80)
@given(st.dictionaries(st.text(), _ANYTHING, max_size=4), st.lists(st.text()), st.text())
def test_nothing_raises_and_a_second_pass_changes_nothing(args, argv, text):
    redactor = Redactor()
    clean = redactor.mapping(args)
    assert _json.plain(redactor.mapping(clean)) == _json.plain(clean)
    words = redactor.argv(argv)
    assert len(words) == len(argv)
    assert redactor.argv(words) == words
    assert redactor.text(redactor.text(text)) == redactor.text(text)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(_NAMES, _VALUES, max_size=3), st.sampled_from(SECRET_NAMES))
def test_a_secret_among_anything_is_found(args, name):
    clean, hits = redacted({"below": {**args, name: "hunter2!"}})
    assert "hunter2!" not in str(clean)
    assert hits == [f"args.below.{name}"]


def test_ten_megabytes_of_anything_take_linear_time():
    """Quadratic patterns would need hours for these; all of them together take seconds."""
    parts = [
        "a", "://a:", "://x:y@", "eyJ-", "eyJaaaaaaaaa.", "sk-proj-", "-----BEGIN ", "password=",
        "-----BEGIN PRIVATE KEY-----", 'password="', "password=\"\\", "password=,", "token=a(",
        "--api-key ", "bearer ", "authorization: ", "hf_", "xoxb-", "password: ", "{token: ", "=",
        '{"a": 1, "token": "x"}, ', "\\\"", "SG.", "password",
    ]  # fmt: skip
    code = (
        "import sys; from meticulous._redact import Redactor; redactor = Redactor()\n"
        f"for part in {parts!r}:\n"
        "    size = 10_000_000 if part == 'a' else 400_000\n"
        "    text = part * (size // len(part))\n"
        "    redactor.text(text); redactor.text('password=' + text)\n"
        "    redactor.argv([text, '--x=' + text]); redactor.mapping({'x': text, text[:1000]: 1})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
