"""The bindings: in step with the IDL, one hierarchy of errors, and a wire form that marks bytes and text rightly."""
import contextlib
import os
import pickle
import re
import shutil
import subprocess
import sys

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

import pycassa
from pycassa.cassandra import Cassandra, constants, ttypes
from pycassa.errors import PycassaError

from .conftest import ROOT

EXCEPTIONS = [ttypes.NotFoundException, ttypes.InvalidRequestException, ttypes.UnavailableException,
              ttypes.TimedOutException, ttypes.AuthenticationException, ttypes.AuthorizationException,
              ttypes.SchemaDisagreementException]


def test_generating_again_changes_nothing(tmp_path):
    if shutil.which('thrift') is None:
        pytest.skip('needs the Thrift compiler (Debian package thrift-compiler)')
    version = subprocess.run(['thrift', '--version'], text=True, capture_output=True).stdout
    committed = re.search(r'Thrift Compiler \((.*)\)', (ROOT / 'cassandra' / 'ttypes.py').read_text()).group(1)
    if committed not in version:
        pytest.skip(f'needs the Thrift compiler {committed}, which wrote the bindings')
    subprocess.run([sys.executable, ROOT / 'dev', 'bindings', '--output', tmp_path], check=True, capture_output=True)
    for name in ('ttypes.py', 'Cassandra.py', 'constants.py'):
        assert (tmp_path / name).read_text() == (ROOT / 'cassandra' / name).read_text()


def test_the_interface_is_complete():
    methods = [name for name in vars(Cassandra.Iface) if not name.startswith('_')]
    assert len(methods) == 45 and constants.VERSION == '20.1.0'
    assert {'cas', 'get_multi_slice', 'describe_local_ring', 'get_paged_slice', 'set_cql_version'} <= set(methods)


@pytest.mark.parametrize('kind', EXCEPTIONS)
def test_exceptions_are_of_one_hierarchy_and_usable_as_python_exceptions(kind):
    error = kind()
    assert isinstance(error, PycassaError) and hash(error) == hash(kind()) and error == kind()
    assert not kind.__name__.startswith('_') and repr(kind()).startswith(kind.__name__ + '(')
    with pytest.raises(kind):
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: None)
            raise error
    error.why = 'assigned'
    assert error.why == 'assigned'
    assert pickle.loads(pickle.dumps(error)).why == 'assigned'
    assert getattr(pycassa, kind.__name__, kind) is kind


def test_the_text_of_an_exception():
    assert repr(ttypes.NotFoundException()) == 'NotFoundException()'
    assert repr(ttypes.InvalidRequestException(why='x')) == "InvalidRequestException(why='x')"
    assert "'there'" in repr(ttypes.NotFoundException('there'))


def test_credentials_do_not_show():
    request = ttypes.AuthenticationRequest(credentials={'username': 'jsmith', 'password': 'canary'})
    assert 'canary' not in repr(request) and 'canary' not in str(Cassandra.login_args(auth_request=request))


BINARY = {'key', 'name', 'value', 'start', 'finish', 'super_column', 'column', 'start_key', 'end_key', 'column_name',
          'query', 'start_column', 'key_alias'}
TEXT = {'column_family', 'keyspace', 'start_token', 'end_token', 'why', 'validation_class', 'index_name', 'cfname'}


def string_fields():
    for module in (ttypes, Cassandra):
        for name, struct in vars(module).items():
            for spec in getattr(struct, 'thrift_spec', None) or ():
                if spec and spec[1] == 11:
                    yield name, spec[2], spec[3]


def test_what_users_store_is_bytes_and_schema_text_is_text():
    seen = set()
    for struct, field, encoding in string_fields():
        if field == 'name' and struct in ('CfDef', 'KsDef', 'TriggerDef'):
            assert encoding == 'UTF8'
        elif field in BINARY:
            assert encoding == 'BINARY', f'{struct}.{field}'
            seen.add(field)
        elif field in TEXT:
            assert encoding == 'UTF8', f'{struct}.{field}'
            seen.add(field)
    assert seen == BINARY | TEXT


@pytest.mark.parametrize('protocol', [TBinaryProtocol, TBinaryProtocolAccelerated])
def test_bytes_that_are_no_text_survive(protocol):
    column = ttypes.Column(name=b'\xff\x00', value=b'\x80', timestamp=-1, ttl=5)
    buffer = TMemoryBuffer()
    column.write(protocol(buffer))
    back = ttypes.Column()
    back.read(protocol(TMemoryBuffer(buffer.getvalue())))
    assert back == column


OLDEST = """
import sys
sys.modules["thrift.protocol.fastbinary"] = None
import thrift.protocol.TBinaryProtocol as T, thrift.transport.TTransport as M
from pycassa.cassandra import ttypes
for value in (ttypes.Column(b"\\xff", b"\\x00", 5), ttypes.InvalidRequestException(why="x")):
    out = M.TMemoryBuffer(); value.write(T.TBinaryProtocol(out))
    back = type(value)(); back.read(T.TBinaryProtocol(M.TMemoryBuffer(out.getvalue())))
    assert back == value
print("same")
"""


def test_the_oldest_thrift_that_is_supported(tmp_path):
    """thrift 0.13, from the package index, without its C extension."""
    done = subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', tmp_path,
                           'thrift==0.13.0', 'six'], text=True, capture_output=True)
    if done.returncode:
        pytest.skip('needs the package index, to fetch thrift 0.13')
    check = 'import thrift; assert thrift.__file__.startswith(%r)\n' % str(tmp_path)
    environment = {**os.environ, 'PYTHONPATH': f'{tmp_path}{os.pathsep}{ROOT}'}
    done = subprocess.run([sys.executable, '-c', check + OLDEST], text=True, capture_output=True, cwd=tmp_path,
                          env=environment)
    assert done.stdout.strip() == 'same', done.stderr
