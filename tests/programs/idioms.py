"""Ways to hand an exit code from a function, in which the experiment starts, to Python.

``python idioms.py NAME CASE CODE``, see test_status_launch.py.
"""

import asyncio
import os
import sys
from sys import exit as bound

from meticulous import Experiment

name, case, code = sys.argv[1], sys.argv[2], int(sys.argv[3])


def main(*arguments):
    Experiment({"case": case}, experiment_id=name)
    return code


async def coroutine():
    await asyncio.sleep(0)
    return main()


def traced_main():
    main()
    sys.settrace(lambda *arguments: None)
    return code


def converted(value):
    return int(str(value))


def run(function):
    sys.exit(function(sys.argv))


class Runner:
    def call(self, function):
        return function()

    def __call__(self, function):
        sys.exit(self.call(function))


def call(function):
    return function()


if case == "sys.exit":
    sys.exit(main())
elif case == "later":
    result = main()
    sys.exit(result)
elif case == "raise":
    raise SystemExit(main())
elif case == "builtin":
    exit(main())
elif case == "bound":
    bound(main())
elif case == "lines":
    sys.exit(
        main(
            1,
        ),
    )
elif case == "or":
    sys.exit(main() or None)
elif case == "converted":
    sys.exit(converted(int(main())) + len(call(list)))
elif case == "passed on":
    sys.exit(call(call.__get__(lambda: main())))
elif case == "coroutine":
    sys.exit(asyncio.run(coroutine()))
elif case == "in a function":
    run(main)
elif case == "in a method":
    Runner()(main)
elif case == "finally":
    try:
        sys.exit(main())
    finally:
        print("finally")
elif case == "caught":
    try:
        sys.exit(main())
    except SystemExit:
        print("caught", sys.gettrace(), sys._getframe().f_trace)
elif case == "printed":
    print(main())
    for _ in range(100):
        call(lambda: None)
    print(sys.gettrace(), sys._getframe().f_trace)
elif case == "list":
    results = [call(main)]
    for _ in range(100):
        call(lambda: None)
    print(results, sys.gettrace(), sys._getframe().f_trace)
    sys.exit(results[0])
elif case == "many calls":
    for _ in [main()]:
        counted = [call(lambda: 1) for _ in range(1000)]
    sys.exit(call(lambda: [call(lambda: 0) for _ in range(1000)])[-1] + code)
elif case == "python code":
    sys.exit([main(), call(lambda: call(lambda: 1))][0])
elif case == "debugger":
    sys.exit(traced_main())
elif case == "_exit":
    os._exit(main())
elif case == "click":
    import click

    click.command()(lambda: click.get_current_context().exit(main()))(args=[])
elif case == "typer":
    import typer

    application = typer.Typer()

    @application.command()
    def command():
        raise typer.Exit(main())

    application(args=[])
elif case == "fire":
    import fire

    fire.Fire(lambda: sys.exit(main()), command=[])
elif case == "absl":
    from absl import app

    app.run(main, argv=["idioms.py"])
