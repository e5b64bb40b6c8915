"""A pooler in transaction mode, as pgbouncer has it: each transaction of a client gets the session that is free.

Clients are let in without a password; sessions belong to the pooler, are few, and take turns, so that two transactions
of one client hardly ever meet the same one. As with pgbouncer, what a client asks for at its start beyond the usual is
refused, and whatever a transaction leaves in a session, the next client finds there.
https://www.pgbouncer.org/features.html, https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import queue
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_KNOWN = {"user", "database", "client_encoding", "datestyle", "timezone", "standard_conforming_strings"}
_KNOWN |= {"application_name"}
_WELCOME = {
    "server_version": "18.0",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}


class Session:
    """A connection to the server, signed in by libpq and then spoken with by the byte."""

    def __init__(self, address: str) -> None:
        self.kept = psycopg.connect(address, autocommit=True)
        self.line = socket.socket(fileno=socket.dup(self.kept.fileno()))
        self.line.settimeout(None)

    def close(self) -> None:
        self.line.close()
        self.kept.close()


class Pooler:
    """A running pooler; `transactions` counts what went through."""

    def __init__(self, address: str, sessions: int) -> None:
        self.transactions = 0
        self._free: queue.Queue[Session] = queue.Queue()
        self._sessions = [Session(address) for _ in range(sessions)]
        for session in self._sessions:
            self._free.put(session)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]

    @classmethod
    @contextmanager
    def started(cls, address: str, sessions: int = 3) -> Iterator["Pooler"]:
        pooler = cls(address, sessions)
        threading.Thread(target=pooler._welcome, daemon=True).start()
        try:
            yield pooler
        finally:
            pooler._door.close()
            for session in pooler._sessions:
                session.close()

    def _welcome(self) -> None:
        with suppress(OSError):  # the door is closed
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(ConnectionError, OSError):
            if self._let_in(client):
                while self._transaction(client):
                    self.transactions += 1

    def _let_in(self, client: socket.socket) -> bool:
        """The start of a connection, up to the first `ReadyForQuery`."""
        while True:
            (length,) = struct.unpack("!i", _exactly(client, 4))
            body = _exactly(client, length - 4)
            (kind,) = struct.unpack("!i", body[:4])
            if kind not in (_SSL, _GSS):
                break
            client.sendall(b"N")
        if kind == _CANCEL:
            return False
        words = body[4:].rstrip(b"\0").decode().split("\0")
        if strange := set(words[::2]) - _KNOWN:
            text = f"unsupported startup parameter: {min(strange)}"
            client.sendall(_message(b"E", b"SFATAL\0VFATAL\0C08P01\0M" + text.encode() + b"\0\0"))
            return False
        said = [_message(b"S", f"{name}\0{value}\0".encode()) for name, value in _WELCOME.items()]
        client.sendall(_message(b"R", struct.pack("!i", 0)) + b"".join(said))
        client.sendall(_message(b"K", struct.pack("!ii", 1, 1)) + _message(b"Z", b"I"))
        return True

    def _transaction(self, client: socket.socket) -> bool:
        """Give a client a session until its transaction has ended; false once the client has left."""
        first = _read(client)
        if first[:1] == b"X":
            return False
        session = self._free.get()
        try:
            return self._relay(client, session.line, first)
        finally:
            self._free.put(session)

    def _relay(self, client: socket.socket, server: socket.socket, first: bytes) -> bool:
        server.sendall(first)
        awaited, idle, stays = int(first[:1] in b"QS"), first[:1] in b"QS", True
        while awaited or not idle:
            ready, _, _ = select.select([client, server] if stays else [server], [], [])
            if server in ready:
                said = _read(server)
                if stays:
                    client.sendall(said)
                if said[:1] == b"Z":
                    awaited, idle = awaited - 1, said[5:] == b"I"
            elif client in ready:
                try:
                    asked = _read(client)
                except ConnectionError:
                    asked = b"X"
                if asked[:1] == b"X":  # who leaves in mid-transaction leaves it undone
                    asked, stays = _message(b"Q", b"ROLLBACK\0"), False
                server.sendall(asked)
                awaited, idle = awaited + (asked[:1] in b"QS"), idle and asked[:1] in b"QS"
        return stays


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _read(line: socket.socket) -> bytes:
    head = _exactly(line, 5)
    return head + _exactly(line, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(line: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = line.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data
