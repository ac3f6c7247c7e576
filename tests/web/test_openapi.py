"""Questions that nobody thought of, made from the description that the server gives of itself."""

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from meticulous.web._routes import ROUTES
from read.records import write_record
from web.serving import serving


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("described") / "experiments"
    for number in range(1, 6):
        write_record(root, str(number), args={"lr": number}, summary={"acc": number / 5})
    with serving(root) as page:
        yield page


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.form != "events"], ids=lambda route: route.name
)
def test_whatever_is_asked_the_answer_is_as_described(page, route):
    schema = schemathesis.openapi.from_dict(page.client.get("/api/openapi.json").json())
    method = "POST" if route.form == "write" else "GET"
    operation = schema[route.path][method]
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]

    seen = []

    def ask(case):
        if "expid" in case.path_parameters and len(seen) % 2:
            case.path_parameters["expid"] = "3"
        seen.append(case)
        case.headers = {"X-Meticulous-Token": page.token}
        case.call_and_validate(base_url=page.url, checks=checks)

    bounds = settings(
        max_examples=30,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    for mode in GenerationMode:
        cases = operation.as_strategy(generation_mode=mode)
        with contextlib.suppress(Unsatisfiable):  # where nothing can be wrong
            bounds(given(case=cases)(ask))()
    assert len(seen) > 5 or not (route.parameters or "{" in route.path)


def test_every_question_is_described(page):
    paths = page.client.get("/api/openapi.json").json()["paths"]
    assert set(paths) == {route.path for route in ROUTES}
