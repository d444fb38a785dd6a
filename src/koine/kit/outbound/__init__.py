"""HTTP to wherever a tenant says, without ever reaching what only this server may reach.

    outbound = Outbound(Allowed.read(settings.outbound_allow))
    reply = await outbound.send(Request("POST", url, {"content-type": "application/json"}, body))

`Refused` is final: the address is one we never speak to. `Failed` is worth another try later.
"""

from koine.kit.outbound.client import OutboundClient
from koine.kit.outbound.egress_policy import EgressPolicy
from koine.kit.outbound.message import Blocked, Request, RequestFailed, Response
from koine.kit.outbound.target import same_origin

__all__ = [
    "Blocked",
    "EgressPolicy",
    "OutboundClient",
    "Request",
    "RequestFailed",
    "Response",
    "same_origin",
]
