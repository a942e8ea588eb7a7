"""Re-ratings that a change of prices proposes, as the answers of such changes show them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from trunkline.api.shapes import Body
from trunkline.usage.models import Proposal


class ProposedRerating(Body):
    """Posted records may cost something else now: this should be priced again. It waits among the proposals until it is, or is dismissed."""

    id: int
    cause: str
    start_from: datetime | None = Field(description="Records that start then or later are concerned; null: all.")


Proposals = Annotated[list[ProposedRerating], Field(description="Re-ratings that are proposed because of it.")]


def proposed(proposals: Iterable[Proposal]) -> list[ProposedRerating]:
    """Proposals as the API shows them."""
    return [ProposedRerating(id=each.pk, cause=each.cause, start_from=each.start_from) for each in proposals]
