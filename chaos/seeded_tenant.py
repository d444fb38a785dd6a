"""What the rigs know of a seeded tenant. It imports nothing of the product: a process of clients
starts in a tenth of the time without that.
"""

from msgspec import Struct


class SeededConversation(Struct, frozen=True):
    """A conversation of the contact Carol in the website inbox; Dan and Alice take part."""

    id: str
    number: int


class SeededTenant(Struct, frozen=True):
    """One tenant and its credentials; an access token is valid for a week.

    The users are Ada (tenant_admin), Alice (agent) and Dan (driver); `ids` and `tokens` are by
    their names. The API key `key` has all permissions and acts as Alice. Carol is the contact, who
    uses the inbox dialect at `contact_path`.
    """

    tenant_id: str
    ids: dict[str, str]
    tokens: dict[str, str]
    key: str
    inbox_id: str
    inbox_identifier: str
    source_id: str
    conversations: list[SeededConversation]

    @property
    def contact_path(self) -> str:
        """The path of Carol's conversations in the inbox dialect; their numbers follow."""
        place = f"/public/api/v1/inboxes/{self.inbox_identifier}/contacts"
        return f"{place}/{self.source_id}/conversations"

    def bearer(self, name: str) -> dict[str, str]:
        """The header with the access token of a user."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}
