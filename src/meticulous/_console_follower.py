"""Run as a process of its own: copies what is appended to a record's files to the terminal.

It is started by `_console_fd` as ``python -I -S``, leaves the program's family at once (no child,
session or process group of it, so that neither ``wait`` nor Ctrl-C meets it), holds nothing but
the descriptors below, has every signal blocked, and ends when the program has ended and all is
copied: after a crash, too. It never waits for a terminal that does not take more, while there is
something else to do.

Arguments: for standard output and error the offset to begin at, or ``-`` for none; the program's
process id.
"""

import os
import select
import sys

CONTROL = (
    3  # read: a letter is an order; the end means that the program has ended or replaced itself
)
ANSWER = 4  # write: READY once, DONE for each order
TARGETS = (5, 6)  # the terminal, as the program's standard output and error were
SOURCES = (7, 8)  # the record's files
LAST = 8

READY = b"r"
DONE = b"d"
DRAIN = b"d"  # copy what there is now, then answer
END = b"e"  # the same, and the program needs no follower any more

PIECE = 4096  # a pipe that is ready takes this much without blocking
SHORTEST, LONGEST = 0.002, 0.04  # seconds between two looks at the files


class Copy:
    """One file and its end of the terminal."""

    def __init__(self, source: int, target: int, offset: int) -> None:
        self.source = source
        self.target = target
        self.offset = offset
        self.gone = False  # nobody reads the terminal any more
        self.waits = False  # the terminal takes no more at the moment

    def size(self) -> int:
        return os.fstat(self.source).st_size

    def step(self, size: int) -> bool:
        """Copy up to this size what can be copied without waiting; True when it was anything."""
        moved = False
        self.waits = False
        if size < self.offset or self.gone:  # cut off by somebody, or to be thrown away
            self.offset = size
        while self.offset < size and not self.waits:
            piece = os.pread(self.source, min(PIECE, size - self.offset), self.offset)
            if not piece:
                break
            moved = self._write(piece) or moved
            if self.gone:
                self.offset = size
        return moved

    def _write(self, piece: bytes) -> bool:
        if not select.select([], [self.target], [], 0)[1]:
            self.waits = True
            return False
        try:
            self.offset += os.write(self.target, piece)
        except BlockingIOError:
            self.waits = True
            return False
        except OSError:
            self.gone = True
        return True


class Program:
    """The program that is followed: what it orders, and whether it is still there."""

    def __init__(self, pid: int) -> None:
        self.listens = [CONTROL]
        self.ended = False
        self.told = False
        self._process = -1
        try:  # noqa: SIM105  (contextlib would take longer to import than all the rest)
            self._process = os.pidfd_open(pid)
        except (AttributeError, OSError):  # not Linux, an old one, or it has ended already
            pass

    def orders(self, waiting: list[int], delay: float) -> bytes:
        """Wait for an order, for a terminal that takes more, or for the time to look again."""
        ready = select.select(self.listens, waiting, [], delay)[0]
        if CONTROL in ready:
            orders = os.read(CONTROL, 64)
            self.told = self.told or END in orders
            if not orders:
                self._has_let_go()
            return orders
        if ready:
            self.ended = True
        return b""

    def _has_let_go(self) -> None:
        """Without having told us it has crashed, or has replaced itself by exec and lives on."""
        self.listens = [] if self.told or self._process < 0 else [self._process]
        self.ended = not self.listens


def follow(copies: list[Copy], program: Program) -> None:
    delay = SHORTEST
    goals: list[int] | None = None
    while True:
        ended = program.ended  # asked before looking: what it wrote before its end is there now
        moved = step(copies)
        delay = SHORTEST if moved else min(2 * delay, LONGEST)
        if goals and all(copy.offset >= goal for copy, goal in zip(copies, goals, strict=True)):
            goals = None
            answer(DONE)
        waiting = [copy.target for copy in copies if copy.waits]
        if ended and not waiting:
            return
        if ended:
            select.select([], waiting, [], LONGEST)
        elif program.orders(waiting, 0 if moved else delay):
            goals = [copy.size() for copy in copies]


def step(copies: list[Copy]) -> bool:
    """Copy what can be copied without waiting; what was printed before an error is shown before."""
    sizes = [copy.size() for copy in reversed(copies)][::-1]  # so errors are measured first
    moved = False
    for copy, size in zip(copies, sizes, strict=True):
        moved = copy.step(size) or moved
        if copy.waits and one_terminal(copies):
            break
    return moved


def one_terminal(copies: list[Copy]) -> bool:
    return len({os.fstat(copy.target)[:3] for copy in copies}) == 1  # mode, inode, device


def answer(letter: bytes) -> None:
    try:  # noqa: SIM105
        os.write(ANSWER, letter)
    except OSError:
        pass  # nobody waits for it any more


def main(offsets: list[str], pid: int) -> None:
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    os.closerange(LAST + 1, 1 << 16)
    program = Program(pid)
    copies = [
        Copy(source, target, int(offset))
        for source, target, offset in zip(SOURCES, TARGETS, offsets, strict=True)
        if offset != "-"
    ]
    answer(READY)
    follow(copies, program)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:3], int(sys.argv[3]))
