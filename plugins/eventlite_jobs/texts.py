"""What is kept, as text, of what a handler returned or raised."""

from __future__ import annotations

from typing import Any

from eventlite import EventLiteError
from eventlite.jsontext import encode_object, is_unicode

#: Characters that are kept of an error's text.
MAX_ERROR = 4000

#: What a job has for a result that is none.
NO_RESULT = '{"result":null}'


def result_text(result: Any) -> str:
    """JSON text of an object that holds the result, or null for what is not JSON."""
    if result is None:
        return NO_RESULT
    try:
        return encode_object({"result": result}, "result")
    except EventLiteError:  # the work is done: failing the job for what it returned would do it again
        return NO_RESULT


def error_text(error: BaseException) -> str:
    """What was raised, as "Type: text"."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # an exception whose own text cannot be made must not stop the queue
        text = type(error).__name__
    text = text[:MAX_ERROR].replace("\0", "\\0")
    return text if is_unicode(text) else text.encode("utf-8", "backslashreplace").decode()
