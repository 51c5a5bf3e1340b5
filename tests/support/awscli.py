"""An `aws` command for scripts under test: arguments are read with botocore's own model, as the AWS CLI reads them, and the call goes to moto.

The command is a bash script of a few milliseconds that hands its arguments over a loopback socket and prints what comes back, so that the
shell that is tested is a real one, and hundreds of calls take seconds. Refused like the AWS CLI refuses: an option it does not know, an
option without its value, a value that begins with a dash and does not stand behind `=`. `file://…` is loaded, which is what makes it
dangerous. What moto does not have is kept here: service-specific credentials and boundaries of users.

`REAL_AWS=/path/to/aws pytest tests/live/test_plan.py` takes a real AWS CLI instead, at a second a call.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

_COMMAND = r"""#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT || exit 255
printf '%s\0' "$#" "$@" >&3
IFS= read -r code <&3
if [ "$code" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit "$code"
"""

_REAL = r"""#!/bin/sh
case $2 in *service-specific*) exec @FOLDER@/kept "$@" ;; esac
AWS_ENDPOINT_URL=@ENDPOINT@ AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION AWS_EC2_METADATA_DISABLED
exec @REAL@ "$@"
"""


class Refused(Exception):
    """The command line is wrong: code 252, as of the AWS CLI."""


class AwsCommand:
    """calls: (service, operation, parameters) of everything that was asked; `before` is called with each and may raise Refused."""

    def __init__(self, clients: dict[str, Any], folder: Path) -> None:
        self.clients = clients
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda operation, given: None
        self.service_credentials: dict[str, list[str]] = {}
        self.boundaries: dict[str, str] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        folder.mkdir()
        self.folder = folder
        real = os.environ.get("REAL_AWS", "")
        texts = {"kept" if real else "aws": _COMMAND.replace("PORT", str(self._socket.getsockname()[1]))}
        if real:
            texts["aws"] = (
                _REAL.replace("@FOLDER@", str(folder)).replace("@ENDPOINT@", clients["iam"].meta.endpoint_url).replace("@REAL@", real)
            )
        for name, text in texts.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                code, text = self._answer(_words(connection))
                connection.sendall(f"{code}\n{text}".encode())

    def _answer(self, words: list[str]) -> tuple[int, str]:
        try:
            return 0, self._run(words)
        except Refused as error:
            return 252, f"aws: error: {error}\n"
        except ClientError as error:
            return (
                254,
                f"\nAn error occurred ({error.response['Error']['Code']}) when calling the {error.operation_name} operation: {error}\n",
            )
        except ParamValidationError as error:
            return 252, f"{error}\n"
        except Exception as error:
            return 255, f"{type(error).__name__}: {error}\n"

    def _run(self, words: list[str]) -> str:
        if len(words) < 2 or words[0] not in self.clients:
            raise Refused(f"no such service in {words!r}")
        client = self.clients[words[0]]
        names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
        if words[1] not in names:
            raise Refused(f"no such operation: {words[1]!r}")
        operation = names[words[1]]
        shape = client.meta.service_model.operation_model(operation).input_shape
        members = {xform_name(name, "-"): (name, member) for name, member in (shape.members.items() if shape else ())}
        given, how = _options(words[2:], members)
        self.calls.append((words[0], operation, given))
        self.before(operation, given)
        answer = self._call(client, operation, given, pages="no-paginate" not in how)
        if "query" in how:
            answer = jmespath.search(how["query"], answer)
        if answer == {} or (answer is None and how.get("output") != "text"):
            return "null\n" if "query" in how else ""
        return _text(answer) if how.get("output") == "text" else json.dumps(answer, indent=4) + "\n"

    def _call(self, client: Any, operation: str, given: dict[str, Any], *, pages: bool) -> Any:
        user = given.get("UserName", "")
        match operation:
            case "ListServiceSpecificCredentials":
                held = self.service_credentials.get(user, [])
                return {"ServiceSpecificCredentials": [{"ServiceSpecificCredentialId": one} for one in held]}
            case "DeleteServiceSpecificCredential":
                self.service_credentials[user].remove(given["ServiceSpecificCredentialId"])
                return {}
            case "PutUserPermissionsBoundary":
                self.boundaries[user] = given["PermissionsBoundary"]
                return {}
            case "DeleteUserPermissionsBoundary":
                self.boundaries.pop(user, None)
                return {}
            case "CreateUser":
                if "PermissionsBoundary" in given:
                    self.boundaries[user] = given["PermissionsBoundary"]
            case "DeleteUser":
                assert not self.service_credentials.get(user), "IAM refuses while there are service-specific credentials"
                self.boundaries.pop(user, None)
        method = xform_name(operation)
        if pages and client.can_paginate(method):
            return _plain(client.get_paginator(method).paginate(**given).build_full_result())
        answer = getattr(client, method)(**given)
        answer.pop("ResponseMetadata", None)
        return _plain(answer)


def _words(connection: socket.socket) -> list[str]:
    """`count NUL word NUL …` as a list."""
    held = b""
    while True:
        parts = held.split(b"\0")
        if len(parts) > 1 and len(parts) - 2 >= int(parts[0]):
            return [part.decode() for part in parts[1:-1]]
        more = connection.recv(65536)
        if not more:
            return []
        held += more


def _options(words: list[str], members: dict[str, tuple[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """(parameters of the call, options of the AWS CLI itself)."""
    given: dict[str, Any] = {}
    how: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            raise Refused(f"unknown option: {word!r}")
        name, equals, value = word[2:].partition("=")
        if name == "no-paginate":
            how[name] = ""
            continue
        known = members.get(name)
        if known is None and name not in ("query", "output"):
            raise Refused(f"unknown option: {word!r}")
        if known is not None and known[1].type_name == "boolean":
            given[known[0]] = True
            continue
        if not equals:
            value = next(rest, "--")
            if value.startswith("-"):
                raise Refused(f"argument --{name}: expected one argument")
        if known is None:
            how[name] = value
            continue
        if value.startswith(("file://", "fileb://")):
            value = Path(value.partition("://")[2]).read_text()
        kind = known[1].type_name
        given[known[0]] = int(value) if kind == "integer" else json.loads(value) if kind in ("list", "structure", "map") else value
    return given, how


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_plain(held) for held in value]
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    """`--output text`: a list of words is one line, with tabs."""
    if isinstance(value, list):
        return "\t".join("None" if one is None else str(one) for one in value) + ("\n" if value else "")
    return f"{value}\n"


@contextmanager
def aws_command(clients: dict[str, Any], folder: Path) -> Iterator[AwsCommand]:
    made = AwsCommand(clients, folder)
    try:
        yield made
    finally:
        made.close()
