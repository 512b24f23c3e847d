"""All use cases as one value. `wiring.py` builds it; api, cli and gateway are given it."""

from __future__ import annotations

from collections.abc import Mapping

from awaitstep.app.bulk import Bulk
from awaitstep.app.changes import Changes
from awaitstep.app.connections import Connections
from awaitstep.app.deployments import Deployments
from awaitstep.app.drafts import Drafts
from awaitstep.app.feed import Feed
from awaitstep.app.graphs import Graphs
from awaitstep.app.keys import Keys
from awaitstep.app.language import Language
from awaitstep.app.leaving import Leaving
from awaitstep.app.observation import Observation
from awaitstep.app.ports import Ports
from awaitstep.app.projects import LOCAL, Projects, new_home
from awaitstep.app.retirement import Retirement
from awaitstep.app.runs import RunControl
from awaitstep.app.sessions import Sessions
from awaitstep.app.templates import Templates
from awaitstep.app.transfer import Transfer
from awaitstep.app.variables import Variables
from awaitstep.app.versions import Versions
from awaitstep.app.workflows import Workflows
from awaitstep.auth.vault import Vault
from awaitstep.engine.clock import Clock
from awaitstep.engine.workers import RunnerHealth
from awaitstep.providers.port import Provider
from awaitstep.storage.port import Store
from awaitstep.storage.records import Home

_CHECK = "vault.check"


class AwaitStep:
    """The control plane. `directory` answers the gateway from memory."""

    def __init__(
        self,
        *,
        store: Store,
        providers: Mapping[str, Provider],
        language: Language,
        clock: Clock,
        vault: Vault,
    ) -> None:
        """`providers` by connection type; `local` must be among them."""
        ports = Ports(store=store, providers=providers, language=language, clock=clock, vault=vault)
        retirement = Retirement(ports)
        self._ports = ports
        self.directory = ports.directory
        self.graphs = Graphs(language)
        self.workflows = Workflows(ports, self.graphs, retirement)
        self.versions = Versions(ports, self.graphs)
        self.drafts = Drafts(ports)
        self.transfer = Transfer(ports, self.graphs, self.workflows)
        self.deployments = Deployments(ports, self.graphs, retirement)
        self.changes = Changes(ports, self.graphs)
        self.runs = RunControl(ports)
        self.feed = Feed(ports)
        self.bulk = Bulk(ports)
        self.observation = Observation(ports)
        self.connections = Connections(ports)
        self.variables = Variables(ports)
        self.leaving = Leaving()
        self.keys = Keys(ports, self.leaving)
        self.templates = Templates()
        self.sessions = Sessions(ports, self.leaving)
        self.projects = Projects(ports)

    async def bootstrap(self) -> Home:
        """Check the encryption key, make the first project if need be, fill the directory, and tell
        the engine what limits there are.

        Call it once, before anything else, the engine's going on with old runs included. Raises BadKey when the key is not this database's.
        """
        ports, tenancy = self._ports, self._ports.store.tenancy
        await ports.read(self._check_key)
        home = await ports.read(tenancy.home)
        if home is None:
            home = new_home(ports.clock.now())
            await ports.read(tenancy.create_home, home)
        for entry in await ports.read(ports.store.workflows.entries):
            ports.show(entry)
        return home

    def health(self) -> RunnerHealth:
        return self._ports.providers[LOCAL].health()

    def _check_key(self) -> None:
        tenancy, vault = self._ports.store.tenancy, self._ports.vault
        if tenancy.setting(_CHECK) is None:
            tenancy.put_setting(_CHECK, vault.check_value())
        check = tenancy.setting(_CHECK)
        assert check is not None
        vault.verify(check)
