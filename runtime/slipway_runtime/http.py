"""AMLRequest, AMLResponse and rawhttp: what scripts that want the bare HTTP exchange work with."""

import json
from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qs, urlsplit

_raw_functions = set()


def rawhttp(function):
    """Marks run(): it is to get the request itself, an AMLRequest, instead of its body."""
    _raw_functions.add(function)
    return function


def is_raw(function):
    return function in _raw_functions


class Headers(dict):
    """Header values by name, in any case. Lines of the same name are joined by a comma."""

    def __init__(self, lines=()):
        super().__init__()
        self._keys = {}
        for name, value in lines:
            self[name] = self[name] + "," + value if name in self else value

    def _key(self, name):
        return self._keys.get(str(name).lower(), name)

    def __setitem__(self, name, value):
        super().__setitem__(self._keys.setdefault(name.lower(), name), value)

    def __getitem__(self, name):
        return super().__getitem__(self._key(name))

    def __delitem__(self, name):
        super().__delitem__(self._keys.pop(name.lower(), name))

    def __contains__(self, name):
        return super().__contains__(self._key(name))

    def get(self, name, default=None):
        return super().get(self._key(name), default)


class Values(dict):
    """The first value of each name; getlist() has them all."""

    def __init__(self, lists):
        super().__init__((name, values[0]) for name, values in lists.items())
        self._lists = lists

    def getlist(self, name):
        return list(self._lists.get(name, ()))


class UploadedFile:
    """One file of a multipart form."""

    def __init__(self, name, filename, content_type, data):
        self.name, self.filename, self.content_type = name, filename, content_type
        self._data = data
        self._at = 0

    def read(self, size=-1):
        end = len(self._data) if size is None or size < 0 else self._at + size
        piece = self._data[self._at : end]
        self._at += len(piece)
        return piece

    def save(self, destination):
        if hasattr(destination, "write"):
            destination.write(self._data)
            return
        with open(destination, "wb") as file:
            file.write(self._data)

    @property
    def stream(self):
        return self


class AMLRequest:
    """One HTTP request. Attributes follow the documented class (and Flask's, which it extends)."""

    def __init__(self, method="POST", target="/score", headers=(), data=b""):
        self.method = method
        self.headers = Headers(headers)
        self.data = data
        parts = urlsplit(target)
        self.path = parts.path
        self.full_path = parts.path + "?" + parts.query
        self.query_string = parts.query.encode("utf-8")
        self.args = Values(parse_qs(parts.query, keep_blank_values=True))
        self._form = None

    @property
    def content_type(self):
        return self.headers.get("Content-Type", "")

    @property
    def mimetype(self):
        return self.content_type.split(";")[0].strip().lower()

    @property
    def content_length(self):
        return len(self.data)

    @property
    def host(self):
        return self.headers.get("Host", "")

    @property
    def url(self):
        query = self.query_string.decode("utf-8")
        return "http://" + self.host + self.path + ("?" + query if query else "")

    @property
    def is_json(self):
        kind = self.mimetype
        return kind == "application/json" or (
            kind.startswith("application/") and kind.endswith("+json")
        )

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        return self.data.decode("utf-8", "replace") if as_text else self.data

    def get_json(self, force=False, silent=False, cache=True):
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.data.decode("utf-8"))
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self):
        return self.get_json()

    @property
    def form(self):
        return self._parsed_form()[0]

    @property
    def files(self):
        return self._parsed_form()[1]

    def _parsed_form(self):
        if self._form is None:
            self._form = _parse_form(self.mimetype, self.content_type, self.data)
        return self._form


def _parse_form(mimetype, content_type, data):
    if mimetype == "application/x-www-form-urlencoded":
        fields = parse_qs(data.decode("utf-8", "replace"), keep_blank_values=True)
        return Values(fields), Values({})
    fields, files = {}, {}
    if mimetype == "multipart/form-data":
        head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
        message = BytesParser(policy=policy.HTTP).parsebytes(head + data)
        for part in message.iter_parts():
            name = part.get_param("name", "", "content-disposition")
            content = part.get_payload(decode=True) or b""
            if part.get_filename() is None:
                fields.setdefault(name, []).append(content.decode("utf-8", "replace"))
            else:
                file = UploadedFile(name, part.get_filename(), part.get_content_type(), content)
                files.setdefault(name, []).append(file)
    return Values(fields), Values(files)


class AMLResponse:
    """An answer with a status and headers of its own.

    message: str or bytes, sent as it is; any JSON value with json_str=True; None sends {}.
    response_headers: values with commas become repeated headers.
    """

    def __init__(
        self, message, status_code, response_headers=None, json_str=False, run_function_failed=False
    ):
        self.status_code = int(status_code)
        self.run_function_failed = bool(run_function_failed)
        if message is None or json_str:
            message = json.dumps({} if message is None else message)
            content_type = "application/json"
        else:
            content_type = "text/html; charset=utf-8"
        self.data = message.encode("utf-8") if isinstance(message, str) else bytes(message)
        self.header_lines = []
        for name, value in (response_headers or {}).items():
            self.header_lines += [(name, piece.strip()) for piece in str(value).split(",")]
        if not any(name.lower() == "content-type" for name, _ in self.header_lines):
            self.header_lines.append(("Content-Type", content_type))

    @property
    def headers(self):
        return Headers(self.header_lines)

    def get_data(self, as_text=False):
        return self.data.decode("utf-8") if as_text else self.data
