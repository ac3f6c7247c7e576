"""The page of ``meticulous ui``: questions about a store, answered as plain data.

- `api` answers, without any socket; `server` is the one place that listens.
- `_routes` is the table of questions, which the server, its description and its tests share.
"""
