"""Forms on the wire: multipart/form-data and application/x-www-form-urlencoded."""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl

from workers.blob import File, utf8
from workers.formdata import FormData

MAX_FIELDS = 10_000

_OPTION = re.compile(rb';\s*([^\s=;"]+)=(?:"([^"]*)"|([^;"]*))')


def encode(form: FormData) -> tuple[bytes, str]:
    """A form as multipart/form-data: the body and its content type."""
    boundary = f"----form{os.urandom(16).hex()}"
    pieces: list[bytes] = []
    for name, value in form.items():
        disposition = f'form-data; name="{_escaped(name)}"'
        content_type = ""
        if isinstance(value, File):
            disposition += f'; filename="{_escaped(value.name)}"'
            content_type = f"Content-Type: {value.content_type or 'application/octet-stream'}\r\n"
            data = value._data
        else:
            data = utf8(value)
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n{content_type}\r\n"
        pieces += [utf8(head), data, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"


def decode(body: bytes, content_type: str) -> FormData:
    """The form in a body. TypeError for a content type that is no form's, ValueError when malformed."""
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        return _decode_urlencoded(body)
    if kind != b"multipart/form-data":
        raise TypeError(f"the body is no form: its content type is {content_type[:80]!r}")
    boundary = options.get(b"boundary")
    if not boundary:
        raise ValueError("the form's content type names no boundary")
    return _Parts(boundary).parse(body)


def _decode_urlencoded(body: bytes) -> FormData:
    form = FormData()
    pairs = parse_qsl(
        body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS
    )
    for name, value in pairs:
        form.append(name, value)
    return form


class _Parts:
    """Collects the parts of one multipart body."""

    def __init__(self, boundary: bytes) -> None:
        self.boundary = boundary
        self.form = FormData()
        self.complete = False
        self.count = 0
        self.headers: dict[bytes, bytes] = {}
        self.name = bytearray()
        self.value = bytearray()
        self.data = bytearray()

    def parse(self, body: bytes) -> FormData:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser

        try:
            parser = MultipartParser(
                self.boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self.name.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self.value.extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_part_data": lambda data, start, end: self.data.extend(data[start:end]),
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
            parser.write(body)
            parser.finalize()
        except FormParserError as error:
            raise ValueError(f"the form is malformed: {error}") from None
        if not self.complete:
            raise ValueError("the form ends before its last boundary")
        return self.form

    def _begin(self) -> None:
        self.count += 1
        if self.count > MAX_FIELDS:
            raise ValueError(f"the form has more than {MAX_FIELDS} fields")
        self.headers = {}
        self.data = bytearray()

    def _end_header(self) -> None:
        self.headers[bytes(self.name).lower()] = bytes(self.value)
        self.name = bytearray()
        self.value = bytearray()

    def _end_part(self) -> None:
        disposition = self.headers.get(b"content-disposition", b"")
        # In a form a backslash escapes nothing, unlike in the options of other headers.
        options = {
            key.lower(): quoted or bare for key, quoted, bare in _OPTION.findall(disposition)
        }
        name = options.get(b"name")
        if name is None:
            raise ValueError("a part of the form has no name")
        filename = options.get(b"filename")
        if filename is None:
            self.form.append(_unescaped(name), self.data.decode("utf-8", "replace"))
            return
        content_type = self.headers.get(b"content-type", b"text/plain").decode("latin-1")
        self.form.append(
            _unescaped(name), File(bytes(self.data), _unescaped(filename), content_type)
        )

    def _end(self) -> None:
        self.complete = True


def _escaped(name: str) -> str:
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")


def _unescaped(name: bytes) -> str:
    text = name.decode("utf-8", "replace")
    return text.replace("%0A", "\n").replace("%0D", "\r").replace("%22", '"')
