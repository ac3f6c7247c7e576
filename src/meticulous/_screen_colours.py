"""Colours and other renditions of a terminal: what SGR sequences ask for."""

from __future__ import annotations

__all__ = ["follow"]

_RESETS = {22: "12", 23: "3", 24: "4", 25: "5", 27: "7", 29: "9", 39: "f", 49: "b"}
_COLOUR = {5: 2, 2: 4}


def follow(attributes: dict[str, str], parameters: str) -> str:
    """Carry out an SGR sequence; of hidden text nothing is hidden.

    Args:
        attributes: what is in force, by kind; changed.
        parameters: between ``ESC [`` and ``m``; those that are wrong change nothing.

    Returns:
        The parameters that give all that is in force; empty for plain text.
    """
    codes = [code.partition(":")[0] for code in parameters.split(";")]
    if all(code.isascii() and code.isdigit() for code in codes if code):
        numbers = [int(code or 0) for code in codes]
        while numbers:
            _one(attributes, numbers.pop(0), numbers)
    return ";".join(attributes.values())


def _one(attributes: dict[str, str], number: int, others: list[int]) -> None:
    if number in (38, 48):
        length = _COLOUR.get(others[0], len(others)) if others else 0
        value = [number, *others[:length]]
        del others[:length]
        if length in _COLOUR.values() and len(value) == length + 1 and max(value[1:]) < 256:
            attributes["f" if number == 38 else "b"] = ";".join(map(str, value))
    elif number == 0:
        attributes.clear()
    elif number in _RESETS:
        for kind in _RESETS[number]:
            attributes.pop(kind, None)
    elif number in (1, 2, 3, 4, 5, 7, 9):
        attributes[str(number)] = str(number)
    elif 30 <= number <= 37 or 90 <= number <= 97:
        attributes["f"] = str(number)
    elif 40 <= number <= 47 or 100 <= number <= 107:
        attributes["b"] = str(number)
