"""What can go wrong with a message."""

from caravan.core.errors import CaravanError

__all__ = ["MessageInvalidError"]


class MessageInvalidError(CaravanError):
    code = "message_invalid"
    status = 500
    title = "A message cannot be written"
    fix = "Use a template of its list, with a value for each of its variables."
