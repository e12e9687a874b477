"""Deployments and routes: which engines the operator has set up, and which of them serve an endpoint, in which order.

    [deployments.mine]           [routes]
    engine = "vendor"            "fal-ai/*/text-to-video" = ["mine", "animatic"]
    vendor = "fal"
    key_env = "FAL_KEY"

An endpoint that no pattern names is served by what needs no setting up. Everything here is frozen and pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

BUILT_IN: tuple[str, ...] = ("animatic", "echo")
"""Deployments that are always there, each of the kind of engine that it is named after."""

ANY_ENDPOINT = "fal"
"""The kind of engine that can be asked for any endpoint, in the endpoint's own words."""

MOST_DEVICES = 64  # far above any machine's; a slip such as 10000 would start as many processes
"""Devices that one deployment may use together."""

SINGLE = ".safetensors"
"""How weights end that are one file and not a folder."""


class DeploymentBase(BaseModel):
    """What all deployments have. `engine` names its table, `package` its folder in `engines`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remote: ClassVar[bool] = False
    """Whether the work is done elsewhere, so that many jobs of one process can be under way at once."""

    engine: str

    @property
    def kind(self) -> str:
        """The kind of engine, a key of `Endpoint.engines`."""
        return self.engine

    @property
    def package(self) -> str:
        """The folder of the engine; its module `deployed` says what is wrong with a deployment, and sets one up."""
        return self.engine

    @property
    def key_variables(self) -> frozenset[str]:
        """Environment variables that hold its keys."""
        return frozenset()

    @property
    def named_variants(self) -> frozenset[str]:
        """Names of weights beside its own, that requests ask for by `Endpoint.variants`."""
        return frozenset()

    def within(self, name: str, data: Path) -> Self:
        """Return it with what is left unset chosen by its name and the data folder."""
        return self

    def secrets(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Return its keys. Raises ValueError where one is none, without telling it."""
        return ()


class RemoteDeployment(DeploymentBase):
    """What is asked over HTTP: keys, how many tasks are under way, how long they are waited for."""

    remote: ClassVar[bool] = True
    key: SecretStr | None = Field(None, description="The key.")
    keys: tuple[SecretStr, ...] = Field((), description="Several keys, used in turn.")
    key_env: str | None = Field(None, description="Environment variable that holds the key, or several with commas.")
    concurrency: int = Field(3, ge=1, le=100, description="Most tasks under way at once with each key.")
    per_minute: float | None = Field(None, gt=0, description="Most tasks that are begun in a minute with each key.")
    deadline_s: float | None = Field(None, gt=0, description="Longest that one task may take; else what is usual.")
    poll_s: float | None = Field(
        None, gt=0, description="Time between the first looks at a task; later ones are up to six times as far apart."
    )
    patience_s: float = Field(
        300.0, ge=0, description="How long a task waits for who takes no more for now, before it is given up."
    )
    options: Mapping[str, str] = Field(default_factory=dict, description="What only this one knows; see its page.")

    @field_validator("key_env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        """A key put here by mistake is refused, before the message of an unset variable would repeat it."""
        if value is not None and not (value.isascii() and value.isidentifier()):
            raise ValueError("that is no name of an environment variable; the key itself would stand in key")
        return value

    @property
    def key_variables(self) -> frozenset[str]:
        """The one that is named."""
        return frozenset((self.key_env,) if self.key_env else ())

    def secrets(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        """Return its keys. Raises ValueError where one is none, without telling it."""
        held = [one.get_secret_value().strip() for one in ((self.key,) if self.key is not None else ()) + self.keys]
        if self.key_env is not None:
            # A comma at the end, as scripts write lists, begins no other key.
            found = [part.strip() for part in environment.get(self.key_env, "").split(",") if part.strip()]
            if not found:
                raise ValueError(f"the environment variable {self.key_env} holds no key")
            held += found
        for number, key in enumerate(held, 1):  # which could be no header, and a message about that would tell it
            if not key or not all("!" <= char <= "~" for char in key):
                raise ValueError(f"key {number} is empty or holds a space or another character that no key has")
        return tuple(held)


class Distilled(BaseModel):
    """How weights that were trained to need few steps are sampled; what is unset follows from the kind of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int | None = Field(None, ge=1, le=100, description="Steps, evenly spaced where no timesteps are given.")
    timesteps: tuple[Annotated[float, Field(gt=0, le=1000)], ...] = Field(
        (), description="The steps' places from 1000 (noise) down, before the shift.", max_length=100
    )
    guidance: float = Field(1.0, ge=0, le=30, description="Guidance; 1 is none, and halves the work.")
    shift: float | None = Field(None, gt=0, le=100, description="How far noise levels are moved towards the noisy end.")
    sampler: Literal["lcm", "euler"] | None = Field(
        None, description="Whether each step ends in new noise (lcm) or goes straight on (euler)."
    )

    @model_validator(mode="after")
    def _falls(self) -> Distilled:
        if any(later >= earlier for earlier, later in pairwise(self.timesteps)):
            raise ValueError("timesteps must fall, as in [1000, 750, 500, 250]")
        if self.timesteps and self.steps not in (None, len(self.timesteps)):
            raise ValueError(f"steps is {self.steps}, but {len(self.timesteps)} timesteps are given; leave steps away")
        return self


class VendorDeployment(RemoteDeployment):
    """A vendor's API with the operator's own keys."""

    engine: Literal["vendor"] = Field(description="A vendor's API.")
    vendor: str = Field(description="Whose API; the guide's pages on vendors list the names.")
    url: str | None = Field(
        None, pattern=r"^https?://[^\s/]+", description="Base of the API, where it isn't the vendor's usual one."
    )
    models: Mapping[str, str] = Field(
        default_factory=dict,
        description="Model that is asked for in place of another, as a successor of one that is retired.",
    )
    prices: Mapping[str, float] = Field(
        default_factory=dict,
        description='List prices in USD, by "MODEL:UNIT" or "UNIT" (seconds, tokens, videos, …), for the books.',
    )

    @model_validator(mode="after")
    def _has_a_key(self) -> VendorDeployment:
        if self.key is None and not self.keys and self.key_env is None:
            raise ValueError("no key: give key, keys, or key_env with the name of an environment variable")
        return self

    @property
    def kind(self) -> str:
        """The kind of engine, a key of `Endpoint.engines`: the vendor's name."""
        return self.vendor


class ServerDeployment(RemoteDeployment):
    """An inference server that the operator runs. It is asked as open weights on this machine are."""

    engine: Literal["server"] = Field(description="An inference server.")
    dialect: str = Field(description="How it is spoken to; the guide's page on servers lists the names.")
    url: str = Field(pattern=r"^https?://[^\s/]+", description="Where it answers.")
    model: str = Field(min_length=1, description="What it calls its weights; results are declared as made by these.")
    weights: str | None = Field(None, description="Kind of its weights: the class of their pipeline in diffusers.")
    network: str | None = Field(
        None,
        pattern=r"^[a-z_]+$",
        description="In place of weights: the engine with a network of its own whose model the server runs.",
    )
    concurrency: int = Field(2, ge=1, le=100, description="Most tasks that it is given at once.")
    patience_s: float = Field(
        60.0, ge=0, description="How long a job waits for a server that is full, or gone in the middle of its task."
    )
    extra: Mapping[str, str | int | float | bool] = Field(
        default_factory=dict, description="Members that are in each request besides, as its version wants them."
    )
    rename: Mapping[str, str] = Field(
        default_factory=dict, description='What its version calls a member of our request, "" for one it has not.'
    )

    @field_validator("options", mode="before")
    @classmethod
    def _as_words(cls, value: Any) -> Any:
        """Take numbers and truths as they are written in TOML."""
        if not isinstance(value, Mapping):
            return value
        words = {True: "yes", False: "no"}  # the two words that dialects' switches have
        return {
            name: words[one] if isinstance(one, bool) else f"{one:g}" if isinstance(one, int | float) else one
            for name, one in value.items()
        }

    @property
    def kind(self) -> str:
        """The kind of engine whose calls it takes, a key of `Endpoint.engines`."""
        return self.network or "diffusers"


class Variant(BaseModel):
    """Other weights of a deployment, of which only the network is used; a name alone is its model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(min_length=1, description="Folder, .safetensors file or Hub id, as the deployment's own.")
    revision: str | None = Field(None, description="Branch, tag or commit on the Hub.")
    ratios: str | None = Field(None, description="As the deployment's, of this network; its own are not taken.")
    calibrate: str | None = Field(None, description="As the deployment's, of this network's films.")

    @model_validator(mode="before")
    @classmethod
    def _of_a_name(cls, value: object) -> object:
        return {"model": value} if isinstance(value, str) else value


class DiffusersDeployment(DeploymentBase):
    """Open weights in diffusers' layout, on this machine. What is left unset is chosen by what the device has."""

    engine: Literal["diffusers"] = Field(description="Weights that diffusers can load.")
    model: str = Field(
        min_length=1,
        description="Folder of the weights, or their id on the Hugging Face Hub; or one .safetensors file in their "
        "makers' layout, by its path or as ORGANISATION/NAME/FILE.",
    )
    revision: str | None = Field(None, description="Branch, tag or commit on the Hub.")
    base: str | None = Field(
        None,
        description="Folder or Hub id of weights in diffusers' layout that have what a single file lacks: text "
        "encoder, tokenizer, scheduler, and all configurations.",
    )
    base_revision: str | None = Field(None, description="Branch, tag or commit of base on the Hub.")
    variants: Mapping[str, Variant] = Field(
        default_factory=dict,
        description="Weights that differ from model in the network only, by the name under which requests ask for "
        'them, as "480p"; what has no variant is made with model.',
    )
    device: str | None = Field(None, description='Where it runs, as "cuda:0" or "cpu"; else the first GPU there is.')
    dtype: Literal["bfloat16", "float16", "float32"] | None = Field(None, description="What the numbers are kept in.")
    offload: Literal["none", "model", "group"] | None = Field(
        None, description="What waits in the machine's own memory: nothing, parts not in use, or all but a few layers."
    )
    tiling: bool | None = Field(None, description="Whether films are decoded tile by tile, which saves memory.")
    quantisation: Literal["none", "fp8", "int8", "nf4"] = Field(
        "none", description="How the large parts are stored: as they are, or smaller; int8 and nf4 need bitsandbytes."
    )
    attention: str | None = Field(
        None,
        description="Attention backend, in diffusers' words, as native, _native_cudnn, flash or _flash_3; else the "
        "fastest that is installed.",
    )
    compile: bool | None = Field(
        None, description="Whether the network's layers are compiled, which makes the first films slower."
    )
    fused: bool | None = Field(
        None, description="Whether queries, keys and values come from one multiplication where the network can."
    )
    channels_last: bool | None = Field(
        None, description="Whether the autoencoder's numbers lie channels last, as tensor cores want them."
    )
    batched_guidance: bool | None = Field(
        None, description="Whether the two passes of a guided step are one of twice the size, which takes more memory."
    )
    matmul_precision: Literal["highest", "high", "medium"] | None = Field(
        None, description="How exact float32 products are, in torch's words; high is TF32."
    )
    cudnn_benchmark: bool | None = Field(None, description="Whether cuDNN tries its algorithms out for each new size.")
    sliced: bool = Field(
        True, description="Decode a few frames at a time where the autoencoder can, while those before are encoded."
    )
    kept_texts: int = Field(
        32, ge=0, le=10_000, description="Most prompts whose encoded form is kept, so that they aren't encoded again."
    )
    ratios: str | None = Field(
        None,
        description="JSON file of how much the network's output changes from step to step, by which acceleration "
        "leaves passes out; the engine has a list for some weights.",
    )
    calibrate: str | None = Field(
        None,
        description="File that each film's own ratios are written to, for the setting ratios; nothing is left out.",
    )
    distilled: Distilled | None = Field(
        None,
        description="Weights (or a LoRA among loras) that need few steps: true, or a table with steps, timesteps, "
        "guidance, shift and sampler. A request's steps, guidance and shift don't count then.",
    )
    devices: tuple[str, ...] = Field(
        (), description='GPUs that make each film together: how many, or which, as ["cuda:0", "cuda:1"].'
    )
    loras: Mapping[str, float] = Field(
        default_factory=dict,
        description="Changes to the weights that are always on: folder or file, or ORGANISATION/NAME/FILE on the Hub, "
        "and strength.",
    )
    memory_gb: float | None = Field(
        None, gt=0, description="Most memory of the device that the deployments on it may use; else all that is free."
    )
    warm_up: bool = Field(True, description="Make a tiny film at the start, so that the first job need not wait.")

    @property
    def named_variants(self) -> frozenset[str]:
        """Those of its table."""
        return frozenset(self.variants)

    @field_validator("distilled", mode="before")
    @classmethod
    def _is_a_table(cls, value: object) -> object:
        return ({} if value else None) if isinstance(value, bool) else value

    @field_validator("devices", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if not 1 <= value <= MOST_DEVICES:
            raise ValueError(f"name from 1 to {MOST_DEVICES} devices")
        return tuple(f"cuda:{number}" for number in range(value))

    @model_validator(mode="after")
    def _has_one_place(self) -> DiffusersDeployment:
        if self.device is not None and self.devices:
            raise ValueError("device and devices can't both be set")
        if len(self.devices) > MOST_DEVICES:
            raise ValueError(f"devices names {len(self.devices)}; at most {MOST_DEVICES} can work together")
        return self

    @model_validator(mode="after")
    def _completes_a_file(self) -> DiffusersDeployment:
        if self.model.endswith(SINGLE) and self.base is None:
            raise ValueError("model is a single file; name in base a folder or Hub id that has the other parts")
        if self.base is not None and not self.model.endswith(SINGLE):
            raise ValueError(f"base completes a single {SINGLE} file, and model is none; remove base")
        if self.base is not None and self.base.endswith(SINGLE):
            raise ValueError("base is a single file too; name a folder or Hub id in diffusers' layout")
        return self


class NetworkDeployment(DeploymentBase):
    """Open weights that a network of our own runs, on this machine. What is left unset is chosen by the device."""

    engine: Literal["network"] = Field(description="Weights that an implementation of our own runs.")
    network: str = Field(min_length=1, description="Which implementation; the guide's pages on models name them.")
    model: str = Field(min_length=1, description="Folder of the weights, or their id on the Hugging Face Hub.")
    revision: str | None = Field(None, description="Branch, tag or commit on the Hub.")
    device: str | None = Field(None, description='Where it runs, as "cuda:0" or "cpu"; else the first GPU there is.')
    dtype: Literal["bfloat16", "float32"] | None = Field(None, description="What the numbers are kept in.")
    offload: Literal["none", "model", "group"] | None = Field(
        None, description="What waits in the machine's own memory: nothing, parts not in use, or all but a few layers."
    )
    tiling: bool | None = Field(None, description="Whether films are decoded tile by tile, which saves memory.")
    quantisation: Literal["none", "int8"] = Field(
        "none", description="How the large parts are stored: as they are, or in eight bits."
    )
    loras: Mapping[str, float] = Field(
        default_factory=dict,
        description="Changes to the weights that are always on: file, or ORGANISATION/NAME/FILE on the Hub, and "
        "strength.",
    )
    memory_gb: float | None = Field(
        None, gt=0, description="Most memory of the device that the deployments on it may use; else all that is free."
    )
    compile: bool | None = Field(
        None, description="Whether the network's blocks are compiled, which makes the first films slower."
    )
    warm_up: bool = Field(True, description="Make a tiny film at the start, so that the first job need not wait.")

    @property
    def kind(self) -> str:
        """The kind of engine, a key of `Endpoint.engines`: the network's name."""
        return self.network

    @property
    def package(self) -> str:
        """The network's folder has its name."""
        return self.network


UPSTREAM_FOLDER = "upstream"
"""Of the data folder: where what such deployments need lies, each in a folder of its name."""


class UpstreamDeployment(DeploymentBase):
    """A model's own repository in its own environment, on this machine, run once for each film."""

    engine: Literal["upstream"] = Field(description="A model's own program.")
    recipe: str = Field(min_length=1, description="A built-in recipe's name, or the path of your own (TOML).")
    variant: str | None = Field(None, description="Which of the recipe's sets of weights; else its first.")
    folder: Path | None = Field(
        None, description="Where source, environment and weights lie; else DATA/upstream/NAME of the data folder."
    )
    source: Path | None = Field(None, description="A copy of the source that is there already, used as it is.")
    python: Path | None = Field(
        None, description="The Python of an environment that is there already and has all that the source needs."
    )
    weights: Path | None = Field(
        None, description="Folder of weights that are there already, laid out as in the recipe."
    )
    packages: Path | None = Field(
        None, description="Folder of wheels to install from, instead of a package index, on a machine without network."
    )
    gpus: int | None = Field(
        None, ge=1, le=64, description="How many GPUs work on a film; else what the variant asks for."
    )
    devices: tuple[str, ...] = Field(
        (), description='Which GPUs, as CUDA_VISIBLE_DEVICES names them, ["0", "1"]; else the first ones.'
    )
    # Six hours: the longest film that can be asked for, fifty seconds of 720p, takes four to six on one H100.
    timeout_s: float = Field(21_600.0, gt=0, description="Longest that one film may take.")
    disk_gb: float | None = Field(
        None, gt=0, description="Most that a film's files may take while it is made; else what the recipe says."
    )
    memory_gb: float | None = Field(
        None, gt=0, description="Most of the machine's own memory that the program may take; else there is no limit."
    )
    environment: Mapping[str, str] = Field(
        default_factory=dict, description="More environment variables for the program."
    )

    @field_validator("devices", mode="before")
    @classmethod
    def _numbers_are_names(cls, value: object) -> object:
        # As in [0, 1]; CUDA_VISIBLE_DEVICES takes UUIDs too, so that the names are text.
        return tuple(str(one) for one in value) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _as_many_devices_as_gpus(self) -> Self:
        if self.devices and self.gpus not in (None, len(self.devices)):
            raise ValueError(f"gpus is {self.gpus}, but devices names {len(self.devices)}; leave gpus out")
        return self

    def within(self, name: str, data: Path) -> Self:
        """Return it with its folder, by its name in the data folder unless it was given."""
        folder = data / UPSTREAM_FOLDER / name if self.folder is None else self.folder
        # Absolute: the program is started in a folder of its own.
        return self.model_copy(update={"folder": folder.expanduser().absolute()})


Deployment = Annotated[
    VendorDeployment | ServerDeployment | DiffusersDeployment | NetworkDeployment | UpstreamDeployment,
    Field(discriminator="engine"),
]
"""What `[deployments.NAME]` may hold; `engine` tells which."""

KINDS: Mapping[str, type[DeploymentBase]] = {
    "vendor": VendorDeployment,
    "server": ServerDeployment,
    "diffusers": DiffusersDeployment,
    "network": NetworkDeployment,
    "upstream": UpstreamDeployment,
}
"""The tables by their `engine`."""


def is_remote(name: str, deployments: Mapping[str, Deployment]) -> bool:
    """Say whether a deployment has its work done elsewhere, so that many of its jobs can be under way at once."""
    return name in deployments and deployments[name].remote


def kind_of(name: str, deployments: Mapping[str, Deployment]) -> str:
    """Return the kind of engine behind a deployment's name."""
    return deployments[name].kind if name in deployments else name


def routed(endpoint: str, routes: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the deployments that the first pattern that fits names for an endpoint; () where none fits."""
    # A table's order is that of the file; ids are case-sensitive, which plain fnmatch isn't everywhere.
    return next((names for pattern, names in routes.items() if fnmatchcase(endpoint, pattern)), ())


def route_of(
    endpoint: str, kinds: Iterable[str], routes: Mapping[str, tuple[str, ...]], deployments: Mapping[str, Deployment]
) -> tuple[str, ...]:
    """Return the deployments that can serve an endpoint, in order; `kinds` are those of Endpoint.engines."""
    able = {*kinds, ANY_ENDPOINT}
    # One pattern may name deployments of many kinds, so that a few lines route the whole catalogue.
    names = routed(endpoint, routes) or BUILT_IN
    return tuple(name for name in names if kind_of(name, deployments) in able)


def unknown_names(routes: Mapping[str, tuple[str, ...]], deployments: Mapping[str, Deployment]) -> list[str]:
    """Return what is wrong with the routes' names, one line each."""
    known = (*deployments, *BUILT_IN)
    return [
        f"routes: {pattern!r} names {name!r}, which is no deployment; there are: {', '.join(known)}"
        for pattern, names in routes.items()
        for name in names
        if name not in known
    ]
