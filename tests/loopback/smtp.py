"""An SMTP server on the loopback interface that keeps what it gets and fails on demand."""

import base64
import contextlib
import email
import email.policy
import socket
import ssl
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from typing import BinaryIO, Final, Literal, Self

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)

Step = Literal["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "end of data"]


@dataclass(frozen=True, slots=True)
class SmtpFault:
    """What happens at one step instead of the usual reply: another reply, a delay before it, or a drop."""

    at: Step
    reply: str | None = None
    delay: float = 0.0
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that was taken. `content` is as sent, with the dots unstuffed; `connection` counts from 1."""

    sender: str
    to: list[str]
    options: str
    content: bytes
    connection: int

    @property
    def parsed(self) -> EmailMessage:
        return email.message_from_bytes(self.content, policy=email.policy.default)


class SmtpLoopback:
    """Listens on 127.0.0.1 within a `with`. `user` and `password` are demanded if given."""

    def __init__(
        self,
        port: int = 0,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: bool = False,
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
    ) -> None:
        """With `tls`: from the start, or after STARTTLS."""
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.connections = 0
        self.login = login
        self._faults: deque[SmtpFault] = deque()
        self._port = port
        self._tls = tls
        self._starttls = starttls
        self._smtputf8 = smtputf8
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=128)
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    @property
    def url(self) -> str:
        scheme = "smtps" if self._tls and not self._starttls else "smtp"
        who = f"{self.login[0]}:{self.login[1]}@" if self.login else ""
        return f"{scheme}://{who}127.0.0.1:{self._port}{'?starttls=1' if self._starttls else ''}"

    def script(self, *faults: SmtpFault) -> None:
        """Let each of these happen once, the next time its step is reached."""
        self._faults.extend(faults)

    def drop_connections(self) -> None:
        """Close every open connection, as a server does with idle ones."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def fault(self, step: Step) -> SmtpFault | None:
        """Take the next fault, if it is for this step."""
        with self._lock:
            found = next((fault for fault in self._faults if fault.at == step), None)
            if found:
                self._faults.remove(found)
        return found

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                number = self.connections
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        dialogue = _Dialogue(self, connection, number)
        try:
            if self._tls and not self._starttls:
                dialogue.wrap(self._tls)
            dialogue.run(extensions=self._extensions(), tls=self._tls if self._starttls else None)
        except (OSError, _OverError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            dialogue.close()

    def _extensions(self) -> list[str]:
        offered = ["SIZE 30000000", "8BITMIME"]
        offered += ["SMTPUTF8"] if self._smtputf8 else []
        offered += ["STARTTLS"] if self._starttls else []
        return [*offered, *(["AUTH PLAIN LOGIN"] if self.login else [])]


class _OverError(Exception):
    """The dialogue is over."""


class _Dialogue:
    """One connection."""

    def __init__(self, server: SmtpLoopback, connection: socket.socket, number: int) -> None:
        self._server = server
        self._wire = connection
        self._number = number
        self._stream: BinaryIO = connection.makefile("rb")
        self._sender, self._options, self._to = "", "", list[str]()
        self._authenticated = False

    def wrap(self, tls: ssl.SSLContext) -> None:
        self._stream.close()
        self._wire = tls.wrap_socket(self._wire, server_side=True)
        self._stream = self._wire.makefile("rb")

    def close(self) -> None:
        self._stream.close()
        self._wire.close()

    def run(self, *, extensions: list[str], tls: ssl.SSLContext | None) -> None:
        self._say("greeting", "220 loopback ESMTP")
        while line := self._stream.readline():
            command = line.decode("utf-8").strip()
            verb, _, rest = command.partition(" ")
            self._server.commands.append(verb.upper())
            match verb.upper():
                case "EHLO":
                    lines = ["loopback", *extensions]
                    text = [f"250{' ' if one is lines[-1] else '-'}{one}" for one in lines]
                    self._say("EHLO", "\r\n".join(text))
                case "STARTTLS" if tls:
                    self._say("STARTTLS", "220 go ahead")
                    self.wrap(tls)
                case "AUTH":
                    self._authenticate(rest)
                case "MAIL":
                    self._sender, _, self._options = rest.partition("<")[2].partition(">")
                    self._to = []
                    allowed = self._authenticated or not self._server.login
                    self._say("MAIL", "250 2.1.0 Ok" if allowed else "530 5.7.0 Authentication required")
                case "RCPT":
                    self._receive(rest.partition("<")[2].partition(">")[0])
                case "DATA":
                    self._data()
                case "NOOP" | "RSET":
                    self._write("250 2.0.0 Ok")
                case "QUIT":
                    self._write("221 2.0.0 Bye")
                    return
                case _:
                    self._write("502 5.5.2 Command not recognized")

    def _receive(self, address: str) -> None:
        if self._say("RCPT", "250 2.1.5 Ok").startswith("25"):
            self._to.append(address)

    def _authenticate(self, rest: str) -> None:
        mechanism, _, first = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            user, password = base64.b64decode(first).decode().split("\0")[1:]
        else:
            user = base64.b64decode(first or self._ask("VXNlcm5hbWU6")).decode()
            password = base64.b64decode(self._ask("UGFzc3dvcmQ6")).decode()
        self._authenticated = (user, password) == self._server.login
        good, bad = "235 2.7.0 Authentication successful", "535 5.7.8 Authentication credentials invalid"
        self._say("AUTH", good if self._authenticated else bad)

    def _ask(self, prompt: str) -> str:
        self._write(f"334 {prompt}")
        return self._stream.readline().decode().strip()

    def _data(self) -> None:
        if not self._to:
            self._write("554 5.5.1 No valid recipients")
            return
        if not self._say("DATA", "354 End data with <CR><LF>.<CR><LF>").startswith("354"):
            return
        lines: list[bytes] = []
        while (line := self._stream.readline()) != b".\r\n":
            if not line:
                raise _OverError
            lines.append(line.removeprefix(b"."))
        mail = Mail(self._sender, list(self._to), self._options.strip(), b"".join(lines), self._number)
        self._server.mails.append(mail)
        if not self._say("end of data", f"250 2.0.0 Ok: queued as Q{len(self._server.mails)}").startswith(
            "2"
        ):
            self._server.mails.remove(mail)

    def _say(self, step: Step, usual: str) -> str:
        """Reply as usual, or as the fault of this step wants it; return what was said."""
        fault = self._server.fault(step)
        if fault is None:
            self._write(usual)
            return usual
        time.sleep(fault.delay)
        if fault.drop:
            self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            raise _OverError
        said = fault.reply or usual
        self._write(said)
        if said.startswith("421"):
            raise _OverError
        return said

    def _write(self, text: str) -> None:
        self._wire.sendall(f"{text}\r\n".encode())
