"""Where the two sides answer, as the migration file says."""

from caravan.migration.config import MigrationConfig
from caravan.migration.gateway.side_pool import SideAddress, SideAddressError

__all__ = ["side_addresses"]


def side_addresses(config: MigrationConfig, *, rewrite_host: bool) -> tuple[SideAddress, SideAddress]:
    """Return old and new side; without [new] all that would go there goes to the old side.

    Raises:
        SideAddressError: there is no [legacy], or an address is none.
    """
    if config.legacy is None:
        raise SideAddressError(f"{config.file}: there is no [legacy] with a base_url; the gateway needs one.")
    old = SideAddress.parse("old", config.legacy.base_url, rewrite_host=rewrite_host)
    new = (config.new or config.legacy).base_url
    return old, SideAddress.parse("new", new, rewrite_host=rewrite_host)
