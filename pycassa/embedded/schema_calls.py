"""The session's calls that are not on data: login, keyspaces, schema, describe_*, and CQL, which is refused."""
import hmac
import uuid
from typing import Dict, List, NoReturn, Optional

from pycassa.cassandra.ttypes import (
    AuthenticationException,
    AuthenticationRequest,
    CfDef,
    CfSplit,
    KsDef,
    NotFoundException,
    TokenRange,
)
from pycassa.embedded.messages import refuse
from pycassa.embedded.node import Node
from pycassa.embedded.schema import Family

__all__ = ['SchemaCalls']

_LEAST_ESTIMATE = 128       # rows; the index interval, below which a server cannot count


class SchemaCalls:
    """The state of a connection and the calls on the schema and the node. Errors are ttypes exceptions."""

    def __init__(self, engine: Node) -> None:
        self.engine = engine
        self.keyspace: Optional[str] = None
        self.user: Optional[str] = None

    # --- session state -------------------------------------------------------------------------------------------

    def login(self, auth_request: AuthenticationRequest) -> None:
        """Takes any credentials without an authenticator, else checks `username` and `password`.

        Raises AuthenticationException; the session stays as it was.
        """
        passwords = self.engine.passwords
        if passwords is None:
            return
        given = auth_request.credentials or {}
        user, password = given.get('username'), given.get('password')
        new_words = self.engine.profile.release >= (3, 0)
        if user is None:
            raise AuthenticationException(why="Required key 'username' is missing")
        if password is None:
            more = f' for provided username {user}' if new_words else ''
            raise AuthenticationException(why=f"Required key 'password' is missing{more}")
        held = passwords.get(user)
        if held is None or not hmac.compare_digest(held.encode(), password.encode()):
            raise AuthenticationException(why=f'Provided username {user} and/or password are incorrect' if new_words
                                          else 'Username and/or password are incorrect')
        self.user = user

    def set_keyspace(self, keyspace: str) -> None:
        """Selects a keyspace; who has yet to log in may select any name."""
        if self._logged_in() and keyspace not in self.engine.keyspaces:
            refuse(f"Keyspace '{keyspace}' does not exist")
        self.keyspace = keyspace

    def _logged_in(self) -> bool:
        return self.engine.passwords is None or self.user is not None

    def _check_login(self) -> None:
        if not self._logged_in():
            refuse('You have not logged in')

    def _keyspace(self) -> str:
        if self.keyspace is None:
            refuse(self.engine.profile.no_keyspace)
        return self.keyspace

    def _access(self) -> str:
        keyspace = self._keyspace()
        self._check_login()
        return keyspace

    # --- schema --------------------------------------------------------------------------------------------------

    def system_add_keyspace(self, ks_def: KsDef) -> str:
        """Creates a keyspace with its families; returns the schema's version."""
        self._check_login()
        self.engine.add_keyspace(ks_def)
        return self.engine.schema_version()

    def system_update_keyspace(self, ks_def: KsDef) -> str:
        """Replaces a keyspace's replication."""
        self._check_login()
        self.engine.update_keyspace(ks_def)
        return self.engine.schema_version()

    def system_drop_keyspace(self, keyspace: str) -> str:
        """Drops a keyspace."""
        self._check_login()
        self.engine.drop_keyspace(keyspace)
        return self.engine.schema_version()

    def system_add_column_family(self, cf_def: CfDef) -> str:
        """Creates a family in cf_def.keyspace; the session must have a keyspace, though not that one."""
        self._access()
        self.engine.add_column_family(cf_def)
        return self.engine.schema_version()

    def system_update_column_family(self, cf_def: CfDef) -> str:
        """Replaces a family's definition."""
        self._check_login()
        if cf_def.keyspace is None or cf_def.name is None:
            refuse('Keyspace and CF name must be set.')
        self.engine.update_column_family(cf_def)
        return self.engine.schema_version()

    def system_drop_column_family(self, column_family: str) -> str:
        """Drops a family of the session's keyspace."""
        self.engine.drop_column_family(self._access(), column_family)
        return self.engine.schema_version()

    # --- descriptions --------------------------------------------------------------------------------------------

    def describe_keyspace(self, keyspace: str) -> KsDef:
        """The definition of a keyspace. Raises NotFoundException."""
        self._check_login()
        with self.engine.lock:
            held = self.engine.keyspaces.get(keyspace)
            if held is None:
                raise NotFoundException()
            return held.describe()

    def describe_keyspaces(self) -> List[KsDef]:
        """The definitions of all keyspaces, the server's own included."""
        self._check_login()
        with self.engine.lock:
            return [keyspace.describe() for keyspace in self.engine.keyspaces.values()]

    def describe_cluster_name(self) -> str:
        """The cluster's name."""
        return self.engine.cluster_name

    def describe_version(self) -> str:
        """The API version of the profile."""
        return self.engine.profile.api

    def describe_partitioner(self) -> str:
        """The partitioner's full class name."""
        return f'org.apache.cassandra.dht.{self.engine.partitioner.name}'

    def describe_snitch(self) -> str:
        """The snitch's full class name."""
        return 'org.apache.cassandra.locator.SimpleSnitch'

    def describe_schema_versions(self) -> Dict[str, List[str]]:
        """{schema version: hosts}."""
        return {self.engine.schema_version(): [self.engine.host]}

    def describe_token_map(self) -> Dict[str, str]:
        """{token: host}."""
        return {self.engine.node_token: self.engine.host}

    def describe_ring(self, keyspace: str) -> List[TokenRange]:
        """The ranges of the ring, for a keyspace that is replicated."""
        with self.engine.lock:
            held = self.engine.keyspaces.get(keyspace)
            if held is None:
                refuse(f'No such keyspace: {keyspace}')
            if held.strategy == 'LocalStrategy':
                refuse(f'There is no ring for the keyspace: {keyspace}')
            return self.engine.ring()

    def describe_local_ring(self, keyspace: str) -> List[TokenRange]:
        """As describe_ring: one node is its whole data centre."""
        return self.describe_ring(keyspace)

    def describe_splits(self, cf_name: str, start_token: str, end_token: str, keys_per_split: int) -> List[str]:
        """Tokens that cut a token range into parts of about `keys_per_split` rows, both ends included."""
        splits = self.describe_splits_ex(cf_name, start_token, end_token, keys_per_split)
        return [splits[0].start_token] + [split.end_token for split in splits]

    def describe_splits_ex(self, cf_name: str, start_token: str, end_token: str,
                           keys_per_split: int) -> List[CfSplit]:
        """Parts of a token range of about `keys_per_split` rows, with their estimated rows."""
        engine = self.engine
        with engine.lock:
            family: Family = engine.validation.family(engine.keyspaces, self._access(), cf_name)
            spans = engine.validation.spans(None, None, start_token, end_token)
            keys = [key for key, _ in family.store.scan(spans)]
        size = max(keys_per_split, _LEAST_ESTIMATE)
        ends = [engine.partitioner.text(engine.partitioner.token(keys[at - 1])) for at in range(size, len(keys), size)]
        points = [start_token] + ends + [end_token]
        counts = [size] * len(ends) + [max(len(keys) - size * len(ends), _LEAST_ESTIMATE)]
        return [CfSplit(start_token=first, end_token=last, row_count=count)
                for first, last, count in zip(points, points[1:], counts)]

    def trace_next_query(self) -> bytes:
        """A session id of 16 bytes; nothing is traced."""
        return uuid.uuid1().bytes

    # --- CQL -----------------------------------------------------------------------------------------------------

    def set_cql_version(self, version: str) -> None:
        """Accepted, without effect."""

    def execute_cql_query(self, query: bytes, compression: int) -> NoReturn:
        """Refused."""
        self._refuse_cql(2)

    def execute_cql3_query(self, query: bytes, compression: int, consistency: int) -> NoReturn:
        """Refused."""
        self._refuse_cql(3)

    def prepare_cql_query(self, query: bytes, compression: int) -> NoReturn:
        """Refused."""
        self._refuse_cql(2)

    def prepare_cql3_query(self, query: bytes, compression: int) -> NoReturn:
        """Refused."""
        self._refuse_cql(3)

    def execute_prepared_cql_query(self, item_id: int, values: List[bytes]) -> NoReturn:
        """Refused."""
        self._refuse_cql(2)

    def execute_prepared_cql3_query(self, item_id: int, values: List[bytes], consistency: int) -> NoReturn:
        """Refused."""
        self._refuse_cql(3)

    def _refuse_cql(self, version: int) -> NoReturn:
        release = self.engine.profile.release
        if version == 2 and release >= (2, 2):
            when = '3.0' if release >= (3, 0) else '2.2'
            refuse(f'CQL2 has been removed in Cassandra {when}. Please use CQL3 instead')
        refuse('the embedded server has no CQL; use the calls of the Thrift data model')
