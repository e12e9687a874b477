"""Every setting in one table: name, default, unit (in the name) and meaning; read once, at the start of a process.

Sources, first one wins: arguments of the command line, environment `RUSHES_*`, `rushes.toml`, the default.
Nothing else in the package reads the environment.
"""

from __future__ import annotations

import re
import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from rushes.routing import BUILT_IN, Deployment, unknown_names

MIB = 1024 * 1024
_SESSION = "/realtime"  # ends the name of the jobs that an endpoint's sessions are
_URL = re.compile(r"[!#-;=?-\[\]_a-z~]+")  # ASCII that needs no escape in JSON, HTML or a header
_KEY = re.compile(r"[!-9;-~]+:[!-~]+")

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """The server's and the runners' settings; field descriptions are the reference page's text."""

    model_config = SettingsConfigDict(env_prefix="RUSHES_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8787, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data: Path = Field(Path("rushes-data"), description="Folder of the database, the stored files and the key.")
    public_url: str | None = Field(
        None, description="Base of every URL in replies; without it, the address that the caller used."
    )
    behind_proxy: bool = Field(
        False, description="Trust X-Forwarded-Proto and -Host, and allow to listen beyond loopback without TLS."
    )
    tls: bool = Field(
        False, description="Serve https, with `tls_cert` or else a certificate of the local authority in DATA/tls."
    )
    tls_cert: Path | None = Field(
        None, description="Certificate (PEM, with its chain) to serve https with; turns `tls` on."
    )
    tls_key: Path | None = Field(None, description="Private key of `tls_cert` (PEM) if it lies in another file.")
    tls_names: str = Field(
        "", description="Comma-separated names and addresses that https callers use, for the local certificate."
    )
    intercept: bool | None = Field(
        None,
        description="Answer unchanged clients through a proxy on loopback; without it, on when `host` is loopback.",
    )
    intercept_port: int | None = Field(
        None, ge=0, le=65535, description="Port of that proxy; without it, `port` + 1 or else a free one."
    )
    open: bool = Field(False, description="Serve callers without a key (as the account `local`).")
    public_endpoints: str = Field(
        "",
        description="Comma-separated endpoint ids, with * and ?, that need no key; such callers are the account "
        "`anonymous`.",
    )
    key: SecretStr | None = Field(None, description="The admin key as id:secret; else one is made in DATA/key.")
    runner_key: SecretStr | None = Field(
        None,
        min_length=16,
        description="Key with which runners on other machines ask for work (there in the same variable); without it "
        "only the server's own do.",
    )
    proxy_key: SecretStr | None = Field(
        None,
        description="Key that the proxy route acts with when a browser brings none; on the Platform API for "
        "models and prices only.",
    )
    allow_addresses: str = Field(
        "",
        description="Comma-separated networks (CIDR) that input URLs and webhooks may reach besides public addresses.",
    )
    # Room for inputs of tens of megabytes as data URIs (F-09), which are a third longer than what they hold.
    max_body_bytes: int = Field(64 * MIB, gt=0, description="Largest request body, data URIs included.")
    max_upload_bytes: int = Field(2048 * MIB, gt=0, description="Largest file that storage takes.")
    input_max_bytes: int = Field(512 * MIB, gt=0, description="Largest input file that is fetched for a job.")
    input_timeout_s: float = Field(60.0, gt=0, description="Time allowed to fetch one input file.")
    image_max_side: int = Field(16_384, gt=0, description="Longest side of an input picture, in pixels.")
    image_max_pixels: int = Field(100_000_000, gt=0, description="Most pixels of an input picture.")
    decode_memory_bytes: int = Field(2048 * MIB, gt=0, description="Memory limit of the process that decodes inputs.")
    decode_cpu_s: int = Field(20, gt=0, description="CPU limit of the process that decodes one picture.")
    media_max_s: float = Field(600.0, gt=0, description="Longest input video or sound.")
    video_max_frames: int = Field(3_600, gt=0, description="Most frames of an input video.")
    video_max_side: int = Field(4_096, gt=0, description="Longest side of an input video, in pixels.")
    media_cpu_s: int = Field(240, gt=0, description="CPU limit of the process that decodes one video or sound.")
    runners: int = Field(1, ge=0, description="Local runner processes.")
    startup_timeout_s: float = Field(
        120.0, gt=0, description="How long the first local runner may take to start; a direct run waits until then."
    )
    scheduling_s: float = Field(
        30.0, gt=0, description="How long a direct run waits while no runner that serves its endpoint is to be seen."
    )
    lease_s: float = Field(15.0, gt=0, description="How long a runner keeps a job without a beat.")
    beat_s: float = Field(0.15, gt=0, description="Least time between two beats of a runner.")
    hang_s: float = Field(
        120.0, gt=0, description="How long a job may show no sign of life before its runner is ended and replaced."
    )
    generation_timeout_s: float = Field(
        3_600.0, gt=0, description="How long the work on one request may take before it ends as `generation_timeout`."
    )
    # A thread each, in one process.
    sessions: int = Field(
        256, ge=0, le=256, description="Most realtime sessions at once; 0 starts no local runner for them."
    )
    session_idle_s: float | None = Field(
        None, gt=0, description="How long a realtime session may go without input; by default what its endpoint says."
    )
    session_start_s: float = Field(30.0, gt=0, description="How long a new session waits for its runner.")
    socket_message_bytes: int = Field(16 * MIB, gt=0, description="Largest message on a WebSocket.")
    sweep_s: float = Field(1.0, gt=0, description="Time between two looks for expired leases and deadlines.")
    claim_wait_s: float = Field(20.0, gt=0, description="How long a runner's claim waits for work.")
    # The protocol asks for an hour at least.
    result_retention_s: float = Field(7 * 86_400.0, gt=0, description="How long finished requests are kept.")
    private_retention_s: float = Field(
        3_600.0, gt=0, description="How long input, output and log of a request in sync mode are kept after its end."
    )
    # As far back as billing events can be asked for (10.1).
    ledger_retention_s: float = Field(
        90 * 86_400.0, gt=0, description="How long the books keep what each request came to, for usage and bills."
    )
    error_messages: bool = Field(
        False, description="Add `message`, one line for people, to the bodies of errors; fal's own have none."
    )
    keep_result_files: bool = Field(
        True, description="Keep the files of a request when the request is forgotten; else they are deleted with it."
    )
    # The first schedule of W-02, with the patience of the second for later tries.
    webhook_timeout_s: float = Field(15.0, gt=0, description="How long the first delivery of a webhook may take.")
    webhook_retry_timeout_s: float = Field(120.0, gt=0, description="How long each later delivery may take.")
    webhook_retries: int = Field(10, ge=0, le=100, description="How often a delivery that failed is tried again.")
    webhook_retry_span_s: float = Field(
        7_200.0, gt=0, description="Time over which these retries are spread; each pause is twice the one before."
    )
    webhooks_at_once: int = Field(32, ge=1, le=1_000, description="Most webhooks under way at once.")
    webhooks_per_target: int = Field(4, ge=1, description="Most of them to one host and port.")
    # Receivers keep the key set for up to a day (W-07).
    webhook_key_overlap_s: float = Field(
        86_400.0, ge=86_400, description="How long a replaced signing key of webhooks stays published."
    )
    safety: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether prompts, pictures and results are checked: as endpoint and caller say, always, or never.",
    )
    safety_threshold: float = Field(
        0.5, gt=0, le=1, description="How sure the detector must be that a picture shows nudity, from 0 to 1."
    )
    prompt_url: str | None = Field(
        None,
        description="Base of an OpenAI-compatible API that expands prompts, as http://127.0.0.1:11434/v1; without it, "
        "a rewriter of our own does.",
    )
    prompt_model: str = Field("default", description="Model that is asked for there.")
    prompt_key: SecretStr | None = Field(None, description="Key that is sent there, as a bearer token.")
    prompt_timeout_s: float = Field(10.0, gt=0, description="How long an expansion there may take.")
    provenance: bool = Field(
        True, description="Sign every result and give it a C2PA manifest: who made it, with what, from which inputs."
    )
    provenance_cert: Path | None = Field(
        None,
        description="Certificate (PEM, with its chain up to the authority) to sign with; else one is made in "
        "DATA/provenance.",
    )
    provenance_key: Path | None = Field(
        None, description="Private key of `provenance_cert` (PEM, P-256, no password) if it lies in another file."
    )
    provenance_prompt: bool = Field(
        False, description="Write the prompt into the manifest too, where everybody who gets the file can read it."
    )
    files_sweep_s: float = Field(3_600.0, gt=0, description="Time between two looks for files that have expired.")
    hub_models: dict[str, str] = Field(
        default_factory=dict, description="Endpoint that serves a model of the Hugging Face Hub, by the Hub's id."
    )
    unit_price_usd: dict[str, Price] = Field(default_factory=dict, description="Price of one unit, by endpoint.")
    deployments: dict[str, Deployment] = Field(
        default_factory=dict,
        description="Engines that are set up, by names of your own; see the guide on vendors.",
    )
    routes: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Deployments that serve an endpoint, in order of preference, by its id with * and ?; the first "
        "pattern that fits counts, and without one the built-in animatic engine serves.",
    )
    test_endpoints: bool = Field(False, description="Serve rushes/echo, for benchmarks and kill tests.")

    # Files for containers write so what is not set; an empty path would be the folder that we are in.
    @field_validator(
        *("key", "runner_key", "proxy_key", "prompt_key", "public_url", "prompt_url"),
        *("tls_cert", "tls_key", "provenance_cert", "provenance_key"),
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("public_url", "prompt_url")
    @classmethod
    def _is_a_base(cls, value: str | None) -> str | None:
        if value is not None and not _is_base(value):
            raise ValueError("expected http:// or https://, a host and perhaps a port and a path, all in ASCII")
        return value

    @field_validator("proxy_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _KEY.fullmatch(value.get_secret_value()):
            raise ValueError("expected id:secret, in ASCII and without spaces")
        return value

    @field_validator("allow_addresses")
    @classmethod
    def _networks_parse(cls, value: str) -> str:
        for text in filter(None, (part.strip() for part in value.split(","))):
            ip_network(text, strict=False)  # not strict: 10.1.2.3/8 is how people write the network around an address
        return value

    # Fields are checked in their order above: those that another one's check looks at stand before it.
    @field_validator("deployments")
    @classmethod
    def _names_are_free(cls, value: dict[str, Deployment]) -> dict[str, Deployment]:
        for name in value:
            if name in BUILT_IN:
                raise ValueError(f"{name!r} is built in; give the deployment another name")
            if not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{name!r} can't be a deployment's name: use letters, digits, - and _")
        return value

    @field_validator("deployments")
    @classmethod
    def _lie_in_the_data_folder(cls, value: dict[str, Deployment], info: ValidationInfo) -> dict[str, Deployment]:
        data = info.data.get("data")  # absent where it is wrong itself, which is told
        return value if data is None else {name: one.within(name, data) for name, one in value.items()}

    @field_validator("routes")
    @classmethod
    def _routes_lead_somewhere(cls, value: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, Any]:
        wrong = unknown_names(value, info.data.get("deployments", {}))
        wrong += [f"routes: {pattern!r} names no deployment" for pattern, names in value.items() if not names]
        if wrong:
            raise ValueError("; ".join(wrong))
        return value

    @field_validator("tls_key")
    @classmethod
    def _key_has_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("tls_cert") is None:
            raise ValueError("a key without a certificate; name it in tls_cert")
        return value

    @field_validator("provenance_key")
    @classmethod
    def _signing_key_has_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("provenance_cert") is None:
            raise ValueError("a key without a certificate; name it in provenance_cert")
        return value

    @property
    def serves_tls(self) -> bool:
        """Whether callers come over https."""
        return self.tls or self.tls_cert is not None

    @property
    def own_names(self) -> tuple[str, ...]:
        """`tls_names`, parsed."""
        return tuple(name.strip() for name in self.tls_names.split(",") if name.strip())

    def price_usd(self, endpoint: str, units: float = 1.0) -> float | None:
        """Return what so many units of an endpoint cost; None where no price is set.

        A session costs what its endpoint does, unless it has a price of its own.
        """
        price = self.unit_price_usd.get(endpoint)
        if price is None and endpoint.endswith(_SESSION):
            price = self.unit_price_usd.get(endpoint.removesuffix(_SESSION))
        return None if price is None else price * units

    @property
    def allowed_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`allow_addresses`, parsed."""
        return tuple(ip_network(p.strip(), strict=False) for p in self.allow_addresses.split(",") if p.strip())


def read_settings(config: Path | None = None, **given: Any) -> Settings:
    """Read the settings: `given` (None means not given), then the environment, then `config`, then defaults.

    Raises pydantic.ValidationError, which names the setting and what it allows, and OSError or
    tomllib.TOMLDecodeError for the file.
    """
    named = {name: value for name, value in given.items() if value is not None}
    if config is None:
        return Settings(**named)
    values = tomllib.loads(config.read_text())
    # As it was written, to be checked once and all together: a route may be here, its deployment in the file.
    environment = EnvSettingsSource(Settings)()
    return Settings(**{**values, **environment, **named})


def _is_base(url: str) -> bool:
    """Say whether a path can be put behind a URL, and the whole into answers as it stands."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, a bracket that doesn't close
        return False
    return has_host and parts.scheme in {"http", "https"} and "?" not in url and bool(_URL.fullmatch(url))
