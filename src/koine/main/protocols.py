"""uvicorn's two protocols, with a way to cut the connection at once (http/letting_go.py)."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from koine.http.letting_go import ABORT


class Http(HttpToolsProtocol):
    """HTTP/1.1."""

    def on_message_begin(self) -> None:
        """A request begins: its scope is made."""
        super().on_message_begin()
        vars(self)["scope"][ABORT] = self.transport.abort


class WebSocket(WebSocketsSansIOProtocol):
    """WebSockets."""

    def handle_connect(self, event: Request) -> None:
        """A handshake came: its scope is made, and seen by the application in the next turn."""
        super().handle_connect(event)
        if "scope" in vars(self):
            vars(self)["scope"][ABORT] = self.transport.abort

    def keepalive_timeout(self) -> None:
        """No answer to a ping: nobody is there who would read the rest."""
        super().keepalive_timeout()
        self.transport.abort()
