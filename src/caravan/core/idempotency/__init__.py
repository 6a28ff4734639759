"""Idempotency keys: a retried request has one effect and the same answer.

Follows the IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07).
"""
