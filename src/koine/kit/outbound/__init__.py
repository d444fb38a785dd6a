"""An HTTP client for URLs that tenants choose; the egress policy decides where it may connect.

    outbound = OutboundClient(EgressPolicy.parse(settings.outbound_allow))
    response = await outbound.send(Request("POST", url, {"content-type": "application/json"}, body))

`Blocked` is final: the egress policy forbids it. After `RequestFailed` a retry may succeed.
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
