"""The fixtures of these tests are in a module that they can also import by name."""

from reproduce.recorded import inside, meticulous, untouched

__all__ = ["inside", "meticulous", "untouched"]
