"""What may go wrong with identity, each situation with its code."""

from collections.abc import Mapping

from caravan.core.errors import CaravanError
from caravan.core.principal import UnauthenticatedError

__all__ = [
    "ApiKeyInvalidError",
    "ApiKeyScopesError",
    "CodeTakenError",
    "EmailTakenError",
    "InvalidCredentialsError",
    "InviteInvalidError",
    "LastAdminError",
    "LoginLockedError",
    "MemberExistsError",
    "PasswordTooWeakError",
    "RefreshExpiredError",
    "RefreshInvalidError",
    "RefreshReusedError",
    "ResetTokenInvalidError",
    "RoleUnknownError",
    "SigningKeyMissingError",
    "TokenExpiredError",
    "TokenInvalidError",
    "TokenMalformedError",
    "TotpCodeInvalidError",
    "TotpNotSetUpError",
    "TotpRequiredError",
    "UserElsewhereError",
    "UsernameTakenError",
]


class TokenMalformedError(UnauthenticatedError):
    code = "token_malformed"
    title = "The token cannot be read"
    fix = "Send the access token or API key exactly as it was given, after `Bearer `."


class TokenExpiredError(UnauthenticatedError):
    code = "token_expired"
    title = "The token has expired"
    fix = "Get a new one with your refresh token from POST /api/v1/auth/refresh, or log in again."


class TokenInvalidError(UnauthenticatedError):
    code = "token_invalid"
    title = "The token is not valid here"
    fix = "Log in again; a token of another installation, or of an ended session, is not accepted."


class ApiKeyInvalidError(UnauthenticatedError):
    code = "api_key_invalid"
    title = "The API key is not valid"
    fix = "Check that the key was neither revoked nor expired; make a new one with POST /api/v1/api-keys."


class InvalidCredentialsError(UnauthenticatedError):
    code = "invalid_credentials"
    title = "Wrong name or password"
    fix = "Check the e-mail or user name, the client code and the password; or ask for a password reset."


class LoginLockedError(CaravanError):
    code = "login_locked"
    status = 429
    title = "Too many failed log-ins"
    fix = "Wait the seconds that Retry-After names, then try again; or ask for a password reset."

    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.details["retry_after"])}


class TotpRequiredError(UnauthenticatedError):
    code = "totp_required"
    title = "A one-time code is needed"
    fix = "Send the code of your authenticator app, or a recovery code, as `code` with the same log-in."


class TotpCodeInvalidError(CaravanError):
    code = "totp_code_invalid"
    status = 400
    title = "The one-time code is wrong"
    fix = "Use the code shown now; each code works once. Check that the clock of your phone is right."


class TotpNotSetUpError(CaravanError):
    code = "totp_not_set_up"
    status = 409
    title = "One-time codes are not set up"
    fix = "Begin with POST /api/v1/auth/totp/setup."


class RefreshInvalidError(UnauthenticatedError):
    code = "refresh_invalid"
    title = "The refresh token is not valid"
    fix = "Log in again."


class RefreshExpiredError(UnauthenticatedError):
    code = "refresh_expired"
    title = "The refresh token has expired"
    fix = "Log in again."


class RefreshReusedError(UnauthenticatedError):
    code = "refresh_reused"
    title = "The refresh token was used before"
    fix = (
        "The session was ended, since two parties held its token. Log in again; use each refresh token once."
    )


class ResetTokenInvalidError(CaravanError):
    code = "reset_token_invalid"
    status = 400
    title = "The reset link is not valid"
    fix = "Ask for a new one; a link works once and for a limited time."


class InviteInvalidError(CaravanError):
    code = "invite_invalid"
    status = 400
    title = "The invitation is not valid"
    fix = "Ask for a new one; an invitation works once and for a limited time."


class PasswordTooWeakError(CaravanError):
    code = "password_too_weak"
    status = 400
    title = "The password is too weak"
    fix = "Use 10 to 256 characters that are not your e-mail address or user name."


class CodeTakenError(CaravanError):
    code = "code_taken"
    status = 409
    title = "The code is taken"
    fix = "Choose another code, or use what already has this one."


class EmailTakenError(CaravanError):
    code = "email_taken"
    status = 409
    title = "The e-mail address is taken"
    fix = "Add a membership for the person who has it, or use another address."


class UsernameTakenError(CaravanError):
    code = "username_taken"
    status = 409
    title = "The user name is taken"
    fix = "Choose another user name."


class MemberExistsError(CaravanError):
    code = "member_exists"
    status = 409
    title = "Already a member"
    fix = "Change the existing membership instead."


class LastAdminError(CaravanError):
    code = "last_admin"
    status = 409
    title = "The last administrator stays"
    fix = "Make somebody else an administrator of the organisation first."


class RoleUnknownError(CaravanError):
    code = "role_unknown"
    status = 400
    title = "No such role or permission"
    fix = "Use one of those listed in the message."


class ApiKeyScopesError(CaravanError):
    code = "api_key_scopes"
    status = 400
    title = "A key cannot have these scopes"
    fix = "Give the key permissions from the list in the message, and only those you hold yourself."


class UserElsewhereError(CaravanError):
    code = "user_elsewhere"
    status = 403
    title = "The person belongs to another organisation"
    fix = (
        "Ask the administrators of the person's own organisation; here you can change or end the membership."
    )


class SigningKeyMissingError(CaravanError):
    code = "signing_key_missing"
    status = 500
    title = "No key"
    fix = "In production keys are not made on the way: run `caravan keys make` once, or put the folder in place."
