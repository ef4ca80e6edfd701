"""What the grader and a sandboxed submission say to each other: plain values in frames, and nothing else.

Both sides use this module, but only the grader's side has to be on its guard: whatever a submission sends is
read by `decode`, which makes exactly the types named here, within limits, or raises `ProtocolError`. Nothing is
unpickled, and no type, attribute or method of the sender's choice comes to life.
"""

import json
import socket
import struct
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["Channel", "Closed", "ProtocolError", "Stranger", "decode", "encode"]

DEEPEST = 24  # levels of lists in lists
LARGEST_TEXT = 2 << 20  # bytes of a frame's JSON
LARGEST_DATA = 4 << 20  # bytes of a frame's arrays
LARGEST_INT = 16_000  # bits
LARGEST_DICT = 1_000  # entries: of many keys that share a hash, each is compared with all others
HEADER = struct.Struct("<II")
NUMBERS = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 longdouble complex64"
DTYPES = {np.dtype(name).str: np.dtype(name) for name in [*NUMBERS.split(), "complex128"]}


class ProtocolError(Exception):
    """Raised where a frame is not what this module writes."""


class Closed(ProtocolError):
    """Raised where the other side is gone."""


class Stranger:
    """Stands on the grader's side for something that does not travel: a learner's object, known by its type.

    `meet` makes a class of the right name for each, so that messages can name the type. Its methods, when it
    has some, are called in the sandbox.
    """

    def __init__(self, key: int, methods: dict[str, Callable]):
        self.__dict__ |= methods
        self._key = key

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo):
        return self

    @staticmethod
    def meet(name: str, key: int = -1, methods: dict[str, Callable] | None = None, *, is_callable=False):
        """Return a stand-in for an object whose type is called `name`."""
        name = "".join(letter for letter in name[:60] if letter.isalnum() or letter == "_")
        return _strangers(name or "object", is_callable)(key, methods or {})


@lru_cache(maxsize=256)
def _strangers(name: str, is_callable: bool) -> type[Stranger]:
    return type(name, (Stranger,), {"__call__": _not_called} if is_callable else {})


def _not_called(self, *args, **kwargs):
    raise TypeError("a function that a learner's function returned is not called")


def encode(value: Any, foreign: Callable[[Any], dict]) -> list[bytes]:
    """Return a value as a frame, in pieces; `foreign` describes what is none of the types that travel.

    Raises
    ------
    ProtocolError
        If it is too large.
    """
    arrays: list[np.ndarray] = []
    places: dict[int, int] = {}
    size = 0

    def array(value):
        nonlocal size
        size += value.nbytes
        if id(value) not in places:  # one array that stands in two places stays one
            places[id(value)] = len(arrays)
            arrays.append(value)
        return places[id(value)]

    def pack(value, depth):
        kind = type(value)
        if value is None or kind in (bool, float, str):
            return value
        if kind is int:
            if abs(value) < 1 << 63:
                return value
            sign = 1 if value > 0 else -1
            return {"int": hex(value if value.bit_length() <= LARGEST_INT else sign << (LARGEST_INT - 1))}
        if depth < DEEPEST:
            if kind in (list, tuple):
                return {kind.__name__: [pack(item, depth + 1) for item in value]}
            if kind is dict and len(value) > LARGEST_DICT:
                raise ProtocolError(f"too large: a dictionary of {len(value):,} entries")
            if kind is dict:
                return {"dict": [[pack(k, depth + 1), pack(v, depth + 1)] for k, v in value.items()]}
        if kind is complex:
            return {"complex": [value.real, value.imag]}
        if kind is np.ndarray and value.dtype.str in DTYPES:
            return {"array": array(value)}
        if isinstance(value, np.generic) and value.dtype.str in DTYPES and kind is value.dtype.type:
            return {"scalar": array(np.asarray(value))}
        if kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
            state = value.bit_generator.state
            numbers = [*state["state"].values(), state["has_uint32"], state["uinteger"]]
            return {"generator": [hex(int(number)) for number in numbers]}
        return foreign(value)

    body = pack(value, 0)
    table = [[a.dtype.str, list(a.shape)] for a in arrays]
    text = json.dumps([body, table], separators=(",", ":")).encode()
    if len(text) > LARGEST_TEXT or size > LARGEST_DATA:
        raise ProtocolError(f"too large: {len(text) + size:,} bytes")
    return [HEADER.pack(len(text), sum(a.nbytes for a in arrays)), text, *(a.tobytes() for a in arrays)]


def decode(text: bytes, data: bytes, foreign: Callable[[dict], Any]) -> Any:
    """Return the value of a frame; `foreign` makes something of a description that it knows.

    Raises
    ------
    ProtocolError
        If the frame is malformed in any way.
    """
    try:
        body, table = json.loads(text)
        arrays, start, taken = [], 0, 0
        for code, shape in table:
            dtype = DTYPES[code]
            if not all(type(n) is int and 0 <= n <= LARGEST_DATA for n in shape) or len(shape) > 32:
                raise ProtocolError("a shape")
            count = 1
            for n in shape:
                count *= n
            if count * dtype.itemsize > len(data) - start:
                raise ProtocolError("an array is longer than its bytes")
            array = np.frombuffer(data, dtype, count, start).reshape(shape)
            # A copy can be written to; and a bool whose byte is 2 is True like any other.
            arrays.append(np.array(array.view(np.uint8) != 0) if dtype.kind == "b" else array.copy())
            start += count * dtype.itemsize

        def take(number):
            nonlocal taken
            taken += arrays[number].nbytes  # an array counts where it stands: whoever copies the value copies it
            if taken > LARGEST_DATA:
                raise ProtocolError("an array again and again")
            return arrays[number]

        return _unpack(body, take, foreign, 0)
    except ProtocolError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise ProtocolError(f"not a frame of ours ({type(error).__name__})") from None


def _unpack(item, take, foreign, depth):
    if depth > DEEPEST + 4:
        raise ProtocolError("lists in lists")
    if type(item) is str:
        return item.encode("utf-8", "replace").decode()  # half of a pair of surrogates could not be written down
    if not isinstance(item, dict):
        if isinstance(item, list):
            raise ProtocolError("a bare list")
        return item
    if len(item) == 1:
        (kind, content), *_ = item.items()
        if kind in ("list", "tuple"):
            return (list if kind == "list" else tuple)(_unpack(x, take, foreign, depth + 1) for x in content)
        if kind == "dict":
            if len(content) > LARGEST_DICT:
                raise ProtocolError("a dictionary of that size")
            pairs = ([_unpack(x, take, foreign, depth + 1) for x in pair] for pair in content)
            return dict(pairs)
        if kind == "int":
            return _integer(content, LARGEST_INT)
        if kind == "complex":
            return complex(*map(float, content))
        if kind == "array":
            return take(content)
        if kind == "scalar":
            return take(content)[()]
        if kind == "generator":
            return _generator(*content)
    return foreign(item)


def _integer(text, bits):
    if len(text) > bits // 4 + 4:
        raise ProtocolError("an integer of that size")
    return int(text, 16)


def _generator(*words) -> np.random.Generator:
    state, inc, has_uint32, uinteger = (_integer(word, 128) for word in words)
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
    return np.random.Generator(bits)


class Channel:
    """Sends and receives frames over a socket.

    Parameters
    ----------
    connection : socket.socket
        Connected to the other side.
    describe, make : callable
        The two sides' `foreign` of `encode` and `decode`.
    """

    def __init__(self, connection: socket.socket, describe: Callable, make: Callable):
        self.connection, self.describe, self.make = connection, describe, make
        self.deadline: float | None = None  # of time.monotonic(): a receiver does not wait longer
        self._arrived = bytearray()

    def send(self, *message: Any):
        """Send one message.

        Raises
        ------
        Closed
            If nobody listens any more.
        TimeoutError
            If the other side does not read, by the deadline.
        """
        frame = b"".join(encode(message, self.describe))
        try:
            self._wait_at_most()
            self.connection.sendall(frame)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def receive(self) -> tuple:
        """Return the next message.

        Raises
        ------
        ProtocolError
            If it is none (`Closed` if none will come).
        TimeoutError
            If there is none by the deadline.
        """
        text_size, data_size = HEADER.unpack(self._read(HEADER.size))
        if text_size > LARGEST_TEXT or data_size > LARGEST_DATA:
            raise ProtocolError("a frame of that size")
        message = decode(self._read(text_size), self._read(data_size), self.make)
        if type(message) is not tuple or not message or type(message[0]) is not str:
            raise ProtocolError("not a message")
        return message

    def _read(self, size: int) -> bytes:
        while len(self._arrived) < size:
            self._wait_at_most()
            try:
                piece = self.connection.recv(1 << 16)
            except ConnectionResetError:
                raise Closed from None
            if not piece:
                raise Closed
            self._arrived += piece
        taken = bytes(self._arrived[:size])
        del self._arrived[:size]
        return taken

    def _wait_at_most(self):
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.connection.settimeout(left)
