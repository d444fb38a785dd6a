"""Events over server-sent events and a WebSocket, typing and presence."""
