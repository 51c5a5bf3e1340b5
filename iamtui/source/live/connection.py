"""Credentials as the AWS CLI finds them, and clients that answer or fail within seconds."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ...errors import AwsError, CredentialsError, NotReadOnlyError
from . import pages
from .guard import Guard, install
from .limits import iam_calls

GLOBAL_REGION = "us-east-1"


class LiveOptions(msgspec.Struct, frozen=True):
    """The way into an account. Everything not said here is taken from the AWS CLI's environment and configuration.

    trail:        name, ARN or `s3://bucket/prefix` of a trail whose bucket events are read from; "" for LookupEvents
    trail_since, trail_until: the days of it that are read; without them the last `trail_days`
    """

    profile: str = ""
    regions: tuple[str, ...] = ()
    role_arn: str = ""
    external_id: str = ""
    mfa_serial: str = ""
    role_session_name: str = "iamtui"
    endpoint_url: str = ""
    lookup_days: int = 90
    trail: str = ""
    trail_days: int = 30
    trail_accounts: tuple[str, ...] = ()
    trail_since: datetime | None = None
    trail_until: datetime | None = None


def fingerprint(options: LiveOptions) -> str:
    """A stable name of the way in, so that the cache knows the account before anybody is asked. Holds no secret."""
    key = os.environ.get("AWS_ACCESS_KEY_ID", "") if not options.profile else ""
    profile = options.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE", "")
    endpoint = options.endpoint_url or os.environ.get("AWS_ENDPOINT_URL", "")
    config = os.environ.get("AWS_CONFIG_FILE", "")
    token = os.environ.get("AWS_ROLE_ARN", "")
    parts = "\n".join((profile, key, options.role_arn, endpoint, config, token))
    return (profile or "default") + "-" + hashlib.sha256(parts.encode()).hexdigest()[:12]


def configuration_changed() -> datetime | None:
    """When the AWS CLI's configuration or credentials file was last written; None when there is neither."""
    stamps = []
    for variable, usual in (("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")):
        try:
            stamps.append(os.stat(os.path.expanduser(os.environ.get(variable) or usual)).st_mtime)
        except OSError:
            continue
    return datetime.fromtimestamp(max(stamps), UTC) if stamps else None


def region_words(options: LiveOptions) -> tuple[str, ...]:
    """Regions as told by options and environment, without importing boto3; () when only the configuration knows."""
    if options.regions:
        return options.regions
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return tuple(dict.fromkeys((region, GLOBAL_REGION))) if region else ()


class Connection:
    """One botocore session with the guard on it. Clients are made once each and shared by threads.

    through: the connection whose credentials assume `options.role_arn`: they are had once, whatever the number of accounts
    """

    def __init__(self, options: LiveOptions, mfa_prompt: Callable[[str], str] | None = None, *, through: Connection | None = None) -> None:
        self.options = options
        self._through = through
        self.iam_calls = iam_calls()
        self._mfa_prompt = mfa_prompt
        self._lock = threading.RLock()
        self._session: Any = None
        self.guard = Guard()
        self._clients: dict[tuple[str, str, bool], Any] = {}

    # -- session -----------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Any:
        """The botocore session. Raises CredentialsError on an unknown profile."""
        with self._lock:
            if self._session is None:
                self._session = self._make()
            return self._session

    def _make(self) -> Any:
        import botocore.session
        from botocore.exceptions import ConfigParseError, ProfileNotFound

        for name, value in (("AWS_METADATA_SERVICE_TIMEOUT", "1"), ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "1")):
            os.environ.setdefault(name, value)
        try:
            session = botocore.session.Session(profile=self.options.profile or None)
            if self._through is not None:  # the service models are read once
                session.register_component("data_loader", self._through.session.get_component("data_loader"))
            self.guard = install(session)
            pages.install(session)
            names = session.available_profiles
            if self.options.profile and self.options.profile not in names:
                raise ProfileNotFound(profile=self.options.profile)
            session.get_scoped_config()
        except ProfileNotFound as error:
            known = ", ".join(sorted(botocore.session.Session().available_profiles)) or "none"
            raise CredentialsError(f"{error}", f"profiles there are: {known}; aws configure sso --profile NAME makes one") from error
        except ConfigParseError as error:
            raise CredentialsError(f"The AWS configuration cannot be read: {error}", "see aws configure list") from error
        resolver = session.get_component("credential_provider")
        for provider in resolver.providers:
            if hasattr(provider, "_prompter"):
                provider._prompter = self._ask  # never getpass: it would read the terminal under the screen
        if self.options.role_arn:
            self._assume(session)
        return session

    def _ask(self, question: str) -> str:
        answer = self._mfa_prompt(question) if self._mfa_prompt else ""
        if not answer:
            raise CredentialsError(
                "An MFA code is needed, and there is nobody to ask while the screen is up",
                "sign in before: aws sts get-session-token, or use a profile that is signed in",
            )
        return answer

    def _assume(self, session: Any) -> None:
        """Credentials of --role-arn, renewed by themselves."""
        from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

        base = (self._through.session if self._through is not None else session).get_credentials()
        if base is None:
            raise no_credentials(self.options.profile)
        # STS in the chosen Region: near, and there is none in us-east-1 for other partitions.
        session.set_config_variable("sts_regional_endpoints", "regional")
        region = (self.options.regions or (session.get_config_variable("region"),))[0] or GLOBAL_REGION
        extra: dict[str, Any] = {"RoleSessionName": self.options.role_session_name}
        if self.options.external_id:
            extra["ExternalId"] = self.options.external_id
        if self.options.mfa_serial:
            extra["SerialNumber"] = self.options.mfa_serial

        def client(service: str, **settings: Any) -> Any:
            return session.create_client(
                service, config=self._config(), endpoint_url=self.options.endpoint_url or None, **{"region_name": region, **settings}
            )

        fetcher = AssumeRoleCredentialFetcher(client, base, self.options.role_arn, extra_args=extra, mfa_prompter=self._ask)
        session._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")

    # -- clients -----------------------------------------------------------------------------------------------------

    def _config(self, service: str = "", *, patient: bool = True) -> Any:
        from botocore.config import Config

        attempts = 1 if service == "cloudtrail" or not patient else 5  # LookupEvents waits by its own budget, and says so

        return Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=16,
            user_agent_extra="iamtui",
        )

    def client(self, service: str, region: str = "", *, patient: bool = True) -> Any:
        """A client; IAM and STS need no Region of their own. One that is not `patient` leaves waiting and trying again to its caller."""
        place = region or self.region
        with self._lock:
            held = self._clients.get((service, place, patient))
            if held is None:
                config = self._config(service, patient=patient)
                held = self.session.create_client(service, region_name=place, endpoint_url=self.options.endpoint_url or None, config=config)
                self._clients[(service, place, patient)] = held
            return held

    @property
    def region(self) -> str:
        if self.options.regions:
            return self.options.regions[0]
        return self.session.get_config_variable("region") or GLOBAL_REGION

    def every_region(self) -> tuple[str, ...]:
        """Regions asked for, else every Region of the account's partition that botocore knows; some may not be enabled."""
        if self.options.regions:
            return self.options.regions
        partition = self.session.get_partition_for_region(self.region)
        known = self.session.get_available_regions("cloudtrail", partition)
        return tuple(dict.fromkeys((GLOBAL_REGION if GLOBAL_REGION in known else self.region, *known)))

    def regions(self) -> tuple[str, ...]:
        """Regions whose events are read: those asked for, else the profile's and us-east-1, where IAM's events are."""
        if self.options.regions:
            return self.options.regions
        return tuple(dict.fromkeys((GLOBAL_REGION, self.region)))


def no_credentials(profile: str) -> CredentialsError:
    where = f" in profile {profile}" if profile else ""
    name = profile or os.environ.get("AWS_PROFILE", "")
    hint = f"aws sso login --profile {name}" if name else "aws configure, aws sso login, or set AWS_PROFILE"
    return CredentialsError(f"There are no AWS credentials{where}", hint + "; or look around with iamtui --demo")


_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
_INVALID = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure", "InvalidAccessKeyId")
THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException", "RequestThrottled", "SlowDown")
DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "NotAuthorized",
    "AuthorizationError",
    "AuthorizationErrorException",
)


def code_of(error: Exception) -> str:
    """The AWS error code of a ClientError, "" for others."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: Exception) -> str:
    response = getattr(error, "response", None)
    text = response.get("Error", {}).get("Message", "") if isinstance(response, dict) else ""
    return str(text or error)


def told(error: Exception, action: str, profile: str) -> AwsError | None:
    """An error that ends all reading (credentials, network), as a sentence; None for errors of one call."""
    from botocore import exceptions as aws

    if isinstance(error, CredentialsError | NotReadOnlyError):
        return error
    login = f"aws sso login --profile {profile}" if profile else "aws sso login, or renew the credentials in your environment"
    code = code_of(error)
    if code in _EXPIRED or isinstance(error, aws.UnauthorizedSSOTokenError | aws.SSOTokenLoadError | aws.TokenRetrievalError):
        return CredentialsError("The AWS credentials have expired", f"{login}, then r", action)
    if code in _INVALID:
        return CredentialsError(
            f"AWS does not accept the credentials ({code}: {message_of(error)})", "aws sts get-caller-identity tells who you are", action
        )
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError):
        return no_credentials(profile)
    if isinstance(error, aws.CredentialRetrievalError | aws.MetadataRetrievalError | aws.InvalidConfigError | aws.NoAuthTokenError):
        return CredentialsError(f"The AWS credentials could not be had: {error}", f"{login}, then r", action)
    if isinstance(
        error, aws.EndpointConnectionError | aws.ConnectTimeoutError | aws.ConnectionClosedError | aws.ProxyConnectionError | aws.SSLError
    ):
        return AwsError(
            f"AWS could not be reached: {error}",
            "check the network or --endpoint-url; r tries again; --offline shows what was read",
            action,
        )
    return None
