"""What may be wrong with an idempotency key."""

from collections.abc import Mapping

from caravan.core.errors import CaravanError

__all__ = [
    "AlreadyCreatedError",
    "IdempotencyKeyInvalidError",
    "IdempotencyKeyMissingError",
    "IdempotencyKeyReusedError",
    "RequestInProgressError",
]


class IdempotencyKeyMissingError(CaravanError):
    code = "idempotency_key_missing"
    status = 400
    title = "No Idempotency-Key"
    fix = "Send an Idempotency-Key header with a value of your own per creation, such as a UUID; retries send it again."


class IdempotencyKeyInvalidError(CaravanError):
    code = "idempotency_key_invalid"
    status = 400
    title = "The Idempotency-Key cannot be used"
    fix = "Use 1 to 255 printable ASCII characters, such as a UUID."


class IdempotencyKeyReusedError(CaravanError):
    code = "idempotency_key_reused"
    status = 422
    title = "The Idempotency-Key belongs to another request"
    fix = "Use a new key for a new request; a retry repeats the first one byte for byte."


class RequestInProgressError(CaravanError):
    code = "request_in_progress"
    status = 409
    title = "The first request with this key is still running"
    fix = "Wait the seconds that Retry-After names, then send it again."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": "1"}


class AlreadyCreatedError(CaravanError):
    code = "already_created"
    status = 409
    title = "Already created; its secret was shown once"
    fix = "The first answer carried the secret, which is not kept. Revoke what it created and make a new one."
