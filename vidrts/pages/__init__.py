"""Pages in one HTML file that needs nothing else: Jinja templates with one stylesheet.

text = render("comparison.html", title="...", ...)

What a template is given stands at its top.
"""

import base64
from functools import cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """The page of a template in `templates/`; text in `values` is escaped."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("vidrts.pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["base64"] = lambda data: base64.b64encode(data).decode()
    made.globals["generator"] = f"vidrts {version('vidrts')}"
    return made
