"""Run every benchmark: ``make bench``."""

from __future__ import annotations

import platform

from . import console, history, import_cost, listing, log_calls, run_again, start_finish

print(f"Python {platform.python_version()} on {platform.machine()}, {platform.system()}")
for benchmark in (import_cost, start_finish, log_calls, console, listing, history, run_again):
    benchmark.main()
