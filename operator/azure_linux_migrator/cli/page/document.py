"""The page as one HTML document: styles and scripts are inside, and nothing is loaded from outside.

With data it needs no server: what `azlm plan --html` writes. Without, it asks the server that sent
it for events.
"""

import base64
import hashlib
import json
import re
from importlib.resources import files

from azure_linux_migrator.cli.page.content import Json

SCRIPTS = ("format.js", "pools.js", "panels.js", "timeline.js", "main.js")


def document(title: str, data: Json | None = None) -> str:
    """The page; with data it shows those and follows nothing."""
    style = _asset("page.css")
    script = "\n".join(_asset(name) for name in SCRIPTS)
    # A `</script>` in a message must not end the element.
    content = json.dumps(data).replace("<", "\\u003c")
    parts = {
        "title": _text(title),
        "policy": policy(style, script),
        "style": style,
        "data": content,
        "script": script,
    }
    return re.sub(r"{{(\w+)}}", lambda mark: parts[mark[1]], _asset("page.html"))


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy that runs this style and script, and reaches the own server only:
    https://www.w3.org/TR/CSP3/#framework-directive-source-list."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _asset(name: str) -> str:
    return (files("azure_linux_migrator.cli.page") / "assets" / name).read_text("utf-8")
