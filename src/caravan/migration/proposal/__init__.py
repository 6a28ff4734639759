"""A first migration file, proposed from recorded traffic and from what a running old side says of itself."""

from caravan.migration.proposal.from_har import host_of, routes_of_har
from caravan.migration.proposal.from_openapi import routes_of_side
from caravan.migration.proposal.from_traffic import routes_of_exchanges
from caravan.migration.proposal.routes import NothingToProposeError, ProposedRoute, merged
from caravan.migration.proposal.text import Proposal, proposal_text

__all__ = [
    "NothingToProposeError",
    "Proposal",
    "ProposedRoute",
    "host_of",
    "merged",
    "proposal_text",
    "routes_of_exchanges",
    "routes_of_har",
    "routes_of_side",
]
