"""An experiment that is being recorded, as a notebook shows it."""

from __future__ import annotations

from typing import Any

__all__ = ["Shown"]


class Shown:
    """The part of `Experiment` that a notebook shows."""

    curexpdir: str
    inert_reason: str
    metadata: dict[str, Any]

    def _repr_html_(self) -> str:
        from html import escape
        from os.path import basename

        if not self.metadata:
            reason = f" ({self.inert_reason})" if self.inert_reason else ""
            return f"<p>An experiment that records nothing{escape(reason)}</p>"
        facts = {
            "started": self.metadata.get("start-time"),
            "commit": self.metadata.get("githead-sha"),
            "folder": self.curexpdir,
            "description": self.metadata.get("description"),
        }
        rows = "".join(
            f'<tr><th scope="row">{name}</th><td>{escape(str(value))}</td></tr>'
            for name, value in facts.items()
            if value
        )
        name = escape(basename(self.curexpdir))
        return f"<h4>Experiment {name}</h4><table><tbody>{rows}</tbody></table>"
