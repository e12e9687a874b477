"""Engine `vendor`: one deployment of one vendor's API, for many jobs at once.

The way of a task stands in `way`, what a vendor is in its own file; here is which model is asked, with which key, and
what becomes of trouble.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from rushes import __version__
from rushes.calls import Call, VendorCall
from rushes.engines.engine import Errand, Maker, Output, Progress, Receipt
from rushes.engines.vendor.asking import Setup, Time
from rushes.engines.vendor.contract import Done, Trouble, Vendor
from rushes.engines.vendor.hidden import without_secrets
from rushes.engines.vendor.keys import REST_S, Keyring
from rushes.engines.vendor.refused import told
from rushes.engines.vendor.task import Task
from rushes.engines.vendor.way import Way
from rushes.engines.vendor.wire import Wire
from rushes.outbound.addresses import Network
from rushes.routing import VendorDeployment

BUSY_REST_S = 5.0  # of a key that is told to slow down, where others are there

LOG = logging.getLogger(__name__)


class VendorEngine:
    """One deployment of one vendor; see the module docstring. May be used from several threads at once."""

    def __init__(
        self,
        name: str,
        vendor: Vendor,
        setting: VendorDeployment,
        secrets: tuple[str, ...],
        *,
        allowed: tuple[Network, ...] = (),
        times: Time | None = None,
    ) -> None:
        times = times or Time()
        url = (setting.url or vendor.url).rstrip("/")
        keys = Keyring(secrets, setting.concurrency, setting.per_minute, times.count)
        self._setup = Setup(name, vendor, setting, url, Wire(url, allowed), keys, times)

    @property
    def places(self) -> int:
        """How many jobs can be under way at once."""
        return self._setup.keys.places

    def load(self) -> Maker:
        """Nothing to load: nothing is asked of a vendor before there is a job."""
        vendor = self._setup.vendor
        return Maker(vendor.name, vendor.title, __version__, stand_in=False)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        """No vendor works so; see `run_errand`."""
        raise TypeError(f"{self._setup.name} runs errands; it makes nothing in this process")

    def unload(self) -> None:
        """Nothing to give back."""

    def run_errand(self, call: Call, errand: Errand) -> Receipt:
        """Have it made. Raises CallerError, Unable, Cancelled."""
        vendor = self._setup.vendor
        if not isinstance(call, VendorCall) or call.vendor != vendor.name:
            raise TypeError(f"{vendor.name} takes a VendorCall of its own, not {type(call).__name__}")
        try:
            return self.bring(call, errand)
        except Trouble as trouble:
            raise told(trouble, call, vendor) from None

    def bring(self, call: VendorCall, errand: Errand) -> Receipt:
        """Have it made. Raises Trouble, in which no key shows, CallerError, Unable, Cancelled."""
        try:
            return self._run(call, errand)
        except Trouble as trouble:
            secrets = self._setup.keys.secrets
            trouble.text = without_secrets(trouble.text, secrets)
            if isinstance(trouble.code, str):
                trouble.code = without_secrets(trouble.code, secrets)
            raise

    def _run(self, call: VendorCall, errand: Errand) -> Receipt:
        setup = self._setup
        task = Task.read(errand.saved, setup.name)
        # A task that is under way keeps its model, whatever the settings say by now: that is what was paid for.
        model = task.model if task else setup.setting.models.get(call.model, call.model)
        if task is None and model in setup.vendor.retired and call.model not in setup.setting.models:
            raise Trouble("retired", f"{model} is no longer offered: {setup.vendor.retired[model]}")
        for left in reversed(range(len(setup.keys.secrets))):  # each key once at most
            with setup.keys.lent(errand.tick, task.key if task else None) as secret:
                may_change = bool(left) and task is None
                way = Way(setup, call, model, secret, errand, lambda: may_change and setup.keys.others(secret))  # noqa: B023
                made = self._made(way, task, secret, may_change=may_change)
                if made is not None:
                    return way.receipt(*made)
        raise AssertionError("the last key's trouble is raised")

    def _made(self, way: Way, task: Task | None, secret: str, *, may_change: bool) -> tuple[Done, str | None] | None:
        """Have it made with this key; None where the key can't, nothing was taken, and another key may."""
        keys = self._setup.keys
        try:
            made = way.made(task)
        except Trouble as trouble:
            # Also where this job ends here: the next ones need not find out that the key is dead.
            if trouble.kind in ("key", "balance"):
                keys.rest(secret, trouble, trouble.retry_after_s or REST_S)
            if not may_change or trouble.task is not None or not keys.others(secret):
                raise
            if trouble.kind == "busy":
                keys.rest(secret, trouble, trouble.retry_after_s or BUSY_REST_S)
            elif trouble.kind not in ("key", "balance"):
                raise
            text = without_secrets(str(trouble), keys.secrets)
            LOG.warning("%s: %s: %s; another is used", self._setup.name, keys.place(secret), text)
            return None
        keys.revive(secret)
        return made
