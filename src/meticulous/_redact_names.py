"""Whether a name is that of a secret, and whether what stands under it is one.

A name alone does not make a secret of a number of tokens, of a special token such as ``<pad>``, of
a switch or of a path.
"""

from __future__ import annotations

import re

__all__ = ["MARK", "is_random", "is_secret", "kind_of"]

MARK = "***"

# Lists of words are texts: one look-up is `f" {word} " in text`.

# A name that ends so is about a secret and holds none: password_file, token_id, api_key_name.
_ABOUT = (
    " name names file files filename path paths dir directory folder id ids idx index indices"
    " length len size sizes dim dims type types kind count num number ttl expiry expires"
    " expiration timeout env environ var variable field fields column policy provider prompt"
    " hint mode format prefix suffix url uri endpoint version min max limit rotation strength"
    " manager store backend class cls enabled disabled required budget rate ratio weight"
    " weights embedding embeddings mask usage arn ref reference header source label"
    " description regex pattern error exception warning proj projection head heads layer"
    " layers padding position positions loss dropout model pool order "
)
# A name that begins so is a switch or a count: no_password, use_auth_token, ask_password.
_SWITCH = (
    " no use ask has is need needs require requires with without show hide prompt enable"
    " disable skip allow num n max min total per avg mean "
)
_STRONG = " password passwords passwd passphrase passphrases secret secrets "
_STRONG_ENDS = ("password", "passwd", "passphrase", "secret")
_PASS_OF = (
    " db database user root admin smtp ssh sudo mysql postgres pg redis mongo ftp http proxy"
    " login email mail server ldap imap vpn wifi "
)
_KEY_OF = (
    " api secret access auth encryption decryption signing license licence account"
    " subscription deploy service master app application hmac jwt webhook aws azure"
    " gcp google openai anthropic gemini mistral cohere hf huggingface wandb comet neptune"
    " clearml github gitlab slack stripe sendgrid twilio datadog kaggle admin bot "
)
_KEY_ENDS = ("apikey", "secretkey", "accesskey", "authkey", "encryptionkey", "signingkey")
_KEY_FILE_OF = " private ssh gpg pgp pem rsa tls ssl "
_TOKEN_OF = (
    " access auth authentication authorization api bearer refresh hf hub huggingface github"
    " gh gitlab slack bot personal session security sas oauth csrf xsrf wandb neptune comet"
    " clearml mlflow kaggle replicate openai anthropic app deploy service login push jwt"
    " private job vault npm pypi telegram discord dagshub databricks azure aws gcp google"
    " identity admin client registry tracking "
)
_TOKEN_ENDS = ("accesstoken", "authtoken", "apitoken", "bearertoken", "refreshtoken", "hftoken")
_FILE = " credential credentials cred creds cookie cookies pwd privatekey sshkey "
_WHOLE = " authorization dsn bearer jwt connectionstring connstr "
_WEAK = " sig signature pat webhook "
_SPECIAL_TOKENS = (
    " pad padding eos bos sep cls mask unk start end stop begin special class image audio"
    " video text prompt separator delimiter first last next "
)

_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"


def kind_of(name: str) -> str:
    """Tell what a name says of the values that stand under it.

    Args:
        name: of an option, a key or a variable, in any spelling: ``--api-key``, ``apiKey``,
            ``model.API_KEY``; of a dotted name the last part counts.

    Returns:
        ``"strong"``: whatever it holds is secret. ``"key"``: any text or number. ``"file"``: the
        same, but not a path. ``"token"``: any text but numbers and special tokens. ``"weak"``:
        only what looks random. ``"auth"``: that, and ``user:secret``. Empty: nothing.
    """
    last = re.split(r"[./]", name[-200:].rstrip("./"))[-1]
    words = [word.lower() for word in re.findall(_WORDS, last)]
    if not words or (f" {words[-1]} " in _ABOUT and words[-2:] != ["secret", "id"]):
        return ""
    kind = _kind_of_words(words)
    return "weak" if kind and len(words) > 1 and f" {words[0]} " in _SWITCH else kind


def _kind_of_words(words: list[str]) -> str:
    for word in words:
        if f" {word} " in _STRONG or word.endswith(_STRONG_ENDS):
            return "strong"
    pairs = list(zip(["", *words], words, strict=False))
    for before, word in pairs:
        if word in ("key", "keys") and f" {before} " in _KEY_OF:
            return "key"
        if word in ("token", "tokens") and f" {before} " in _TOKEN_OF:
            return "token"
        if word in ("key", "keys") and f" {before} " in _KEY_FILE_OF:
            return "file"
        if before in ("connection", "conn") and word in ("string", "str"):
            return "key"
    return _kind_of_last(*pairs[-1])


def _kind_of_last(before: str, last: str) -> str:
    if last.endswith(_KEY_ENDS) or f" {last} " in _WHOLE:
        return "key"
    if last.endswith("pass") and f" {before if last == 'pass' else last[:-4]} " in _PASS_OF:
        return "strong"
    if f" {last} " in _FILE:
        return "file"
    if last.endswith(_TOKEN_ENDS) or (last == "token" and not before):
        return "token"
    if last == "token":
        return "" if f" {before} " in _SPECIAL_TOKENS else "weak"
    return "auth" if last == "auth" else "weak" if f" {last} " in _WEAK else ""


_PATH = r"(?:~|\.{1,2})?[/\\]|[A-Za-z]:[\\/]"
_PATH_ENDS = (".json", ".pem", ".key", ".txt", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".env")
_NOTHING = (
    " true false yes no on off none null nil undefined str int float bool bytes any optional "
)
_REFERENCE = r"\$[A-Z_][A-Z0-9_]*|\$\{\{?[^{},]*\}?\}|%[A-Z_]+%"
_NUMBER = r"[-+]?(?:\d[\d_]*)?\.?\d+(?:[eE][-+]?\d+)?"
_VERSION = r"\d+(?:\.\d+){1,3}(?:[a-z.+-]\w{0,20}){0,3}"  # the package PyJWT has one
_RANDOM = r"[A-Za-z0-9+/_=.~:%-]+"
_USER_PASS = r"[^\s:/]+:[^\s:/]+"


def is_secret(kind: str, value: str) -> bool:
    """Whether text that stands under a name of this kind is a secret."""
    text = value[:4096].strip()
    if not text or f" {text}".endswith(f" {MARK}") or f" {text.lower()} " in _NOTHING:
        return False
    if re.fullmatch(_REFERENCE, text):  # the name of a variable that holds it
        return False
    if kind != "strong" and re.fullmatch(_VERSION, text):
        return False
    if kind == "file":
        return not (re.match(_PATH, text) or text.lower().endswith(_PATH_ENDS))
    if kind == "token":
        special = (text[0], text[-1]) in (("<", ">"), ("[", "]"))
        return not special and not re.fullmatch(_NUMBER, text)
    if kind == "auth" and re.fullmatch(_USER_PASS, text):
        return True
    return is_random(text, 12) if kind in ("weak", "auth") else kind in ("strong", "key")


def is_random(text: str, at_least: int = 16) -> bool:
    """Whether text of so many characters looks like no word, number or path."""
    if len(text) < at_least or not re.fullmatch(_RANDOM, text):
        return False
    if re.match(_PATH, text) or re.fullmatch(_NUMBER, text):
        return False
    digits = sum(character.isdigit() for character in text)
    return digits >= 2 and any(character.isalpha() for character in text)
