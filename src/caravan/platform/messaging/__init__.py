"""Messages to people: asked for in a transaction, rendered in their language, sent in the background.

A worker imports `caravan.platform.messaging.sending` and `retention`, which register the handlers.
"""

from caravan.platform.messaging.errors import MessageInvalidError
from caravan.platform.messaging.rendering import LOCALES, Rendered, render
from caravan.platform.messaging.requests import request_message
from caravan.platform.messaging.sending import choose_notifier

__all__ = ["LOCALES", "MessageInvalidError", "Rendered", "choose_notifier", "render", "request_message"]
