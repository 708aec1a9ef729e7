"""The user's entry script: loading it, looking at its run(), and turning requests into calls."""

import importlib.util
import inspect
import json
import os
import sys
import traceback
from urllib.parse import parse_qs, urlsplit

from slipway_runtime.http import AMLRequest, Headers, is_raw

TAIL_LINES = 20


class StartFailure(Exception):
    """Why the script cannot serve. `reason` is the documented code, `tail` the traceback's end."""

    def __init__(self, reason, message, tail=""):
        super().__init__(message)
        self.reason, self.message, self.tail = reason, message, tail


class BadInput(Exception):
    """The request is at fault: answered with `status` and the text."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def traceback_tail(error):
    """The traceback from the first frame of the user's code on, its last lines only."""
    here = os.path.dirname(os.path.abspath(__file__))
    trace = error.__traceback__
    while (
        trace is not None
        and trace.tb_next is not None
        and (
            "importlib" in trace.tb_frame.f_code.co_filename
            or trace.tb_frame.f_code.co_filename.startswith(here)
        )
    ):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    return "\n".join(text.rstrip().split("\n")[-TAIL_LINES:])


def load(path):
    """Imports the script at `path` as a module and checks that init() and run() are there."""
    if not os.path.isfile(path):
        raise StartFailure("UserScriptImportError", "the entry script %s does not exist" % path)
    sys.path.insert(0, os.path.dirname(path))
    spec = importlib.util.spec_from_file_location("entry_module", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_module"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # SystemExit too: a script must not end the worker unheard
        raise StartFailure(
            "UserScriptImportError",
            "importing %s raised %s: %s" % (os.path.basename(path), type(error).__name__, error),
            traceback_tail(error),
        )
    for name in ("init", "run"):
        if not callable(getattr(module, name, None)):
            raise StartFailure(
                "UserScriptFunctionNotFound",
                "%s defines no function %s()" % (os.path.basename(path), name),
            )
    return module


def call_init(module):
    try:
        module.init()
    except BaseException as error:
        raise StartFailure(
            "UserScriptInitFailed",
            "init() raised %s: %s" % (type(error).__name__, error),
            traceback_tail(error),
        )


def _schema_util():
    """inference_schema's module if the script has imported it; we never import it ourselves."""
    return sys.modules.get("inference_schema.schema_util")


class Runner:
    """Calls run() in the form its signature and decorators ask for. Immutable once made."""

    def __init__(self, run):
        self.run = run
        parameters = list(inspect.signature(run).parameters.values())
        allowed = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if any(p.kind not in allowed for p in parameters):
            raise StartFailure(
                "UserScriptFunctionNotFound",
                "run() must not take *args, **kwargs or positional-only arguments",
            )
        self.takes_headers = any(p.name == "request_headers" for p in parameters)
        self.parameters = [p for p in parameters if p.name != "request_headers"]
        if not self.parameters:
            raise StartFailure(
                "UserScriptFunctionNotFound", "run() must take an argument for the input data"
            )
        self.raw = is_raw(run)
        util = _schema_util()
        self.decorated = util is not None and util.is_schema_decorated(run)
        if self.raw and self.decorated:
            raise StartFailure(
                "UserScriptFunctionNotFound",
                "run() has both @rawhttp and @input_schema; choose one",
            )
        self.arguments = (
            self._raw_arguments
            if self.raw
            else self._schema_arguments
            if self.decorated
            else self._text_arguments
        )

    def prepare(self, request):
        """Keyword arguments of run() for a request. BadInput when the request is at fault."""
        arguments = self.arguments(request)
        if self.takes_headers:
            arguments["request_headers"] = Headers(request.headers())
        return arguments

    def _raw_arguments(self, request):
        raw = AMLRequest(request.method, request.target, request.headers(), bytes(request.body))
        return {self.parameters[0].name: raw}

    def _text_arguments(self, request):
        if request.method == "GET":
            return {self.parameters[0].name: json.dumps(_query_values(request.target))}
        try:
            return {self.parameters[0].name: str(request.body, "utf-8")}
        except UnicodeDecodeError as error:
            raise BadInput(400, "Input cannot be decoded as UTF-8: %s" % error)

    def _schema_arguments(self, request):
        if request.method == "GET":
            values = _query_values(request.target)
        else:
            values = self._json_object(request)
        arguments = {}
        for parameter in self.parameters:
            value = values.get(parameter.name, parameter.default)
            if value is inspect.Parameter.empty:
                raise BadInput(
                    400, "A value is not provided for the %r parameter." % parameter.name
                )
            arguments[parameter.name] = value
        return arguments

    @staticmethod
    def _json_object(request):
        if not request.body:
            raise BadInput(400, "POST body is empty. Expecting a JSON dictionary.")
        try:
            values = json.loads(str(request.body, "utf-8"))
        except UnicodeDecodeError as error:
            raise BadInput(400, "Input cannot be decoded as UTF-8: %s" % error)
        except ValueError as error:
            raise BadInput(400, "POST body could not be decoded as JSON: %s" % error)
        if not isinstance(values, dict):
            raise BadInput(400, "POST body should be a JSON dictionary.")
        return values

    def wants_headers(self):
        """Whether the server has to send the request's header lines along."""
        return self.takes_headers or self.raw

    def schemas(self):
        """Schemas for the swagger documents: {"input", "output", "versions"}."""
        util = _schema_util()
        if not self.decorated:
            nothing = {"type": "object", "example": {}}
            return {"input": nothing, "output": nothing, "versions": ["2.0", "3.0", "3.1"]}
        versions = getattr(util, "get_supported_versions", lambda run: ["2.0", "3.0", "3.1"])
        return {
            "input": util.get_input_schema(self.run),
            "output": util.get_output_schema(self.run),
            "versions": [str(v) for v in versions(self.run)],
        }


def _query_values(target):
    """Query parameters, each read as JSON where it is JSON; a repeated one becomes a list."""

    def value(text):
        try:
            return json.loads(text)
        except ValueError:
            return text

    query = parse_qs(urlsplit(target).query, keep_blank_values=True)
    return {
        name: value(texts[0]) if len(texts) == 1 else [value(t) for t in texts]
        for name, texts in query.items()
    }
