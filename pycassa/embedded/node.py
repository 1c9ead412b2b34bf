"""One node in memory: its keyspaces, the rules of its profile, and the changes of its schema."""
import threading
import time
import uuid
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from pycassa.cassandra.ttypes import CfDef, EndpointDetails, KsDef, TokenRange
from pycassa.embedded.consistency import Consistency
from pycassa.embedded.definitions import LOCAL_KEYSPACES, SYSTEM_KEYSPACES, SchemaRules
from pycassa.embedded.messages import Wording, refuse
from pycassa.embedded.partitioners import partitioner as find_partitioner
from pycassa.embedded.profiles import DEFAULT_PROFILE
from pycassa.embedded.profiles import profile as find_profile
from pycassa.embedded.schema import Family, Keyspace
from pycassa.embedded.typeparser import Types
from pycassa.embedded.validation import Validation
from pycassa.embedded.writing import Writer

__all__ = ['Node']

_LOCAL = 'org.apache.cassandra.locator.LocalStrategy'
_SIMPLE = 'org.apache.cassandra.locator.SimpleStrategy'
_FIRST_TOKENS = {'Murmur3Partitioner': '0', 'RandomPartitioner': '0', 'ByteOrderedPartitioner': '00',
                 'OrderPreservingPartitioner': '0'}


class Node:
    """What the sessions of an engine share. The methods here take the lock themselves."""

    def __init__(self, partitioner: str = 'Murmur3Partitioner', profile: str = DEFAULT_PROFILE,
                 clock: Callable[[], float] = time.time, cluster_name: str = 'Test Cluster', host: str = '127.0.0.1',
                 port: int = 9160, credentials: Optional[Mapping[str, str]] = None) -> None:
        self.profile = find_profile(profile)
        self.partitioner = find_partitioner(partitioner)
        self.clock = clock
        self.cluster_name = cluster_name
        self.host = host
        self.port = port
        self.passwords = None if credentials is None else dict(credentials)
        self.lock = threading.RLock()
        self.words = Wording(self.profile)
        self.types = Types(self.profile)
        self.rules = SchemaRules(self.profile, self.types)
        self.validation = Validation(self.profile, self.partitioner)
        self.consistency = Consistency(self.profile)
        self.writer = Writer(self.profile, self.validation)
        self.keyspaces: Dict[str, Keyspace] = {}
        self._make_system_keyspaces()

    def __repr__(self) -> str:
        return (f'<{self.__class__.__name__} {self.profile.name} {self.partitioner.name}, '
                f'{len(self.keyspaces)} keyspaces>')

    def now(self) -> int:
        """The clock's second."""
        return int(self.clock())

    def _make_system_keyspaces(self) -> None:
        names = {'system': 0, 'system_traces': 2}
        if self.profile.release >= (3, 0):
            names.update(system_schema=0, system_auth=1, system_distributed=3)
        for name, replicas in names.items():
            options = {'replication_factor': str(replicas)} if replicas else {}
            self.keyspaces[name] = Keyspace(name, _SIMPLE if replicas else _LOCAL, options, True, replicas or 1,
                                            internal=True)

    # --- schema --------------------------------------------------------------------------------------------------

    def add_keyspace(self, ks_def: KsDef, any_name: bool = False) -> None:
        """Creates a keyspace with its families. `any_name` allows names that no schema call could create.

        Raises InvalidRequestException.
        """
        with self.lock:
            if ks_def.name in LOCAL_KEYSPACES:
                refuse('system keyspace is not user-modifiable')
            if not any_name:
                self.rules.check_keyspace_name(ks_def.name)
            for name in self.keyspaces:
                if name.lower() == ks_def.name.lower():
                    refuse(f'Keyspace names must be case-insensitively unique ("{ks_def.name}" conflicts with '
                           f'"{name}")')
            for cf_def in ks_def.cf_defs or ():
                if cf_def.keyspace != ks_def.name:
                    refuse(f'CfDef ({cf_def.name}) had a keyspace definition that did not match KsDef')
            keyspace = self.rules.keyspace(ks_def, any_name)
            for cf_def in {each.name: each for each in ks_def.cf_defs or ()}.values():
                self._add_family(keyspace, cf_def, any_name)
            self.keyspaces[ks_def.name] = keyspace

    def update_keyspace(self, ks_def: KsDef) -> None:
        """Changes the replication of a keyspace. Raises InvalidRequestException."""
        with self.lock:
            if ks_def.name in SYSTEM_KEYSPACES:
                refuse('system keyspace is not user-modifiable')
            old = self.keyspaces.get(ks_def.name)
            if old is None:
                refuse(f'Keyspace {ks_def.name} does not exist')
            if ks_def.cf_defs:
                refuse(f'Keyspace update must not contain any {self.words.spaced} definitions.')
            new = self.rules.keyspace(ks_def, any_name=True)
            new.families = old.families
            self.keyspaces[ks_def.name] = new

    def drop_keyspace(self, name: str) -> None:
        """Drops a keyspace with everything in it. Raises InvalidRequestException."""
        with self.lock:
            if name in SYSTEM_KEYSPACES:
                refuse('system keyspace is not user-modifiable')
            if name not in self.keyspaces:
                refuse(f"Cannot drop non existing keyspace '{name}'.")
            del self.keyspaces[name]

    def add_column_family(self, cf_def: CfDef, any_name: bool = False) -> None:
        """Creates a family in cf_def.keyspace. Raises InvalidRequestException."""
        with self.lock:
            keyspace = self.keyspaces.get(cf_def.keyspace)
            if keyspace is None or keyspace.internal:
                if keyspace is not None:
                    refuse('system keyspace is not user-modifiable.')
                self.rules.family(cf_def, self._index_names(), any_name)
                refuse(f"Cannot add {self.words.spaced} '{cf_def.name}' to non existing keyspace "
                       f"'{cf_def.keyspace}'.")
            self._add_family(keyspace, cf_def, any_name)

    def _add_family(self, keyspace: Keyspace, cf_def: CfDef, any_name: bool) -> None:
        definition = self.rules.family(cf_def, self._index_names(keyspace), any_name)
        if cf_def.name in keyspace.families:
            refuse(f'Cannot add already existing {self.words.spaced} "{cf_def.name}" to keyspace "{keyspace.name}"')
        family = Family(definition, self.partitioner)
        family.build_indexes()
        keyspace.families[cf_def.name] = family

    def update_column_family(self, cf_def: CfDef) -> None:
        """Replaces a family's definition; what the CfDef does not give becomes the default.

        Raises InvalidRequestException.
        """
        with self.lock:
            keyspace = self.keyspaces.get(cf_def.keyspace)
            if keyspace is not None and keyspace.internal:
                refuse('system keyspace is not user-modifiable.')
            if self.profile.release < (2, 0) and (keyspace is None or cf_def.name not in keyspace.families):
                refuse('Could not find column family definition to modify.')
            family = self.validation.family(self.keyspaces, cf_def.keyspace, cf_def.name)
            names = self._index_names(keyspace)
            family.redefine(self.rules.update(family.definition, cf_def, names))

    def drop_column_family(self, keyspace: str, name: str) -> None:
        """Drops a family with its rows. Raises InvalidRequestException."""
        with self.lock:
            if keyspace in SYSTEM_KEYSPACES:
                refuse('system keyspace is not user-modifiable.')
            self.validation.family(self.keyspaces, keyspace, name)
            del self.keyspaces[keyspace].families[name]

    def _index_names(self, keyspace: Optional[Keyspace] = None) -> List[Tuple[str, str]]:
        # Up to 2.2 index names are of all keyspaces, and those of a keyspace that is being made not yet among them.
        if self.profile.release < (3, 0):
            keyspaces = list(self.keyspaces.values())
        else:
            keyspaces = [] if keyspace is None else [keyspace]
        return [(index.name, family.name) for each in keyspaces for family in each.families.values()
                for index in family.indexes.values()]

    def schema_version(self) -> str:
        """The version of the schema: equal schemas have equal ones."""
        with self.lock:
            text = '\n'.join(repr(self.keyspaces[name].describe()) for name in sorted(self.keyspaces))
            return str(uuid.uuid3(uuid.NAMESPACE_OID, text))

    # --- the node ------------------------------------------------------------------------------------------------

    @property
    def node_token(self) -> str:
        """The node's only token, as text."""
        return _FIRST_TOKENS[self.partitioner.name]

    def ring(self) -> List[TokenRange]:
        """The ring of one node: one range that begins and ends at its token."""
        details = EndpointDetails(host=self.host, datacenter='datacenter1', rack='rack1')
        return [TokenRange(start_token=self.node_token, end_token=self.node_token, endpoints=[self.host],
                           rpc_endpoints=[self.host], endpoint_details=[details])]
