"""The page at /docs, made from the application's OpenAPI schema. It loads nothing from other hosts."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from tuner.charts.content import Block, Code, Page, Paragraph, Section, Table


def docs_page(schema: Mapping[str, Any], address: str) -> Page:
    """A section for each request with its fields, and a command to copy, for a server at this address."""
    sections = tuple(
        Section(each["operationId"], f"{method.upper()} {path}", tuple(_blocks(schema, each, f"{address}{path}")))
        for path, methods in schema["paths"].items()
        for method, each in methods.items()
    )
    return Page(schema["info"]["title"], schema["info"]["description"], sections)


def _blocks(schema: Mapping[str, Any], request: Mapping[str, Any], url: str) -> Iterator[Block]:
    yield Paragraph(request["description"])
    command = f"curl {shlex.quote(url)}"
    if "requestBody" not in request:
        yield Code(command)
        return
    for name in dict.fromkeys(re.findall(r"#/components/schemas/(\w+)", json.dumps(request["requestBody"]))):
        record = schema["components"]["schemas"][name]
        fields, required = record["properties"], record.get("required", ())
        rows = [(each, "yes" if each in required else "no", fields[each].get("description", "")) for each in fields]
        yield Table(name, record.get("description", ""), ("field", "required", "meaning"), tuple(rows))
        if "multipart/form-data" in request["requestBody"]["content"]:
            yield Code(" ".join([command, *(f"-F {each}=@picture.png" for each in fields)]))
        else:
            body = json.dumps({each: fields[each].get("examples", [["…"]])[0] for each in fields}, ensure_ascii=False)
            yield Code(f"{command} -H 'Content-Type: application/json' -d {shlex.quote(body)}")
