"""Nothing of the old interface is missing, and no default differs but for the reasons listed in old_interface.json."""
import ast
import collections
import inspect
import json
import pathlib
import pydoc
import time

import pytest

import pycassa
import pycassa.legacy

OLD = json.loads(pathlib.Path(__file__).with_name('old_interface.json').read_text(encoding='utf-8'))
DIFFERENCES = {(each['function'], each['parameter']): each for each in OLD['differences']}
CREDENTIALS = {'username': 'jsmith', 'password': 'havebadpass'}


def old_parameters(text):
    """[(name, is keyword-only, has a default, default as text)] of a signature as the inventory writes it."""
    arguments = ast.parse(f'def f{text}: pass').body[0].args
    padding = [None] * (len(arguments.args) - len(arguments.defaults))
    given = [(each, False, default) for each, default in zip(arguments.args, [*padding, *arguments.defaults])]
    given += [(each, True, default) for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return [(each.arg, only, default is not None, default) for each, only, default in given]


def value_of(node, function):
    """The default that the inventory means: a literal, or the object of that name in the function's module."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        module = inspect.getmodule(inspect.unwrap(function))
        return getattr(module, node.id)


def parameters_now(path):
    found = pydoc.locate(path)
    assert found is not None, path
    parameters = list(inspect.signature(found).parameters.values())
    owner = pydoc.locate(path.rpartition('.')[0])
    if inspect.isclass(owner) and not inspect.isclass(found):
        parameters = parameters[1:]  # self
    return found, parameters


@pytest.mark.parametrize('place', OLD['names'])
def test_names(place):
    """Also names of submodules, which may need an import of their own (pycassa.cassandra.constants does)."""
    home = pydoc.locate(place)
    assert [name for name in OLD['names'][place]
            if not hasattr(home, name) and pydoc.locate(f'{place}.{name}') is None] == []


@pytest.mark.parametrize('cls', ['pycassa.Connection', 'pycassa.ConnectionWrapper', 'pycassa.legacy.Client',
                                 'pycassa.cassandra.Cassandra.Client'])
def test_thrift_calls(cls):
    found = pydoc.locate(cls)
    assert len(OLD['thrift']) == 45
    assert [name for name in OLD['thrift'] if not callable(getattr(found, name, None))] == []


@pytest.mark.parametrize('path', OLD['signatures'])
def test_parameters_keep_their_places(path):
    _, now = parameters_now(path)
    by_name = {each.name: each for each in now}
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in now)
    for index, (name, keyword_only, _, _) in enumerate(old_parameters(OLD['signatures'][path])):
        assert name in by_name or takes_any and keyword_only, f'{path} has no {name}'
        if not keyword_only:
            assert now[index].name == name, f'{path}: {name} was argument {index + 1}'
            assert now[index].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


@pytest.mark.parametrize('path', OLD['signatures'])
def test_parameters_that_were_added_may_be_left_out(path):
    _, now = parameters_now(path)
    old = {name for name, *_ in old_parameters(OLD['signatures'][path])}
    needed = [each.name for each in now if each.default is each.empty and each.name not in old
              and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    assert needed == []


@pytest.mark.parametrize('path', OLD['signatures'])
def test_defaults(path):
    found, now = parameters_now(path)
    by_name = {each.name: each for each in now}
    for name, _, has_default, node in old_parameters(OLD['signatures'][path]):
        if not has_default or name not in by_name:
            continue
        default, difference = by_name[name].default, DIFFERENCES.get((path, name))
        if difference is not None:
            assert default == difference['default'] and difference['reason']
        else:
            assert default == value_of(node, found), f'{path}: default of {name}'


def test_every_difference_is_one():
    for (path, name), difference in DIFFERENCES.items():
        old = {each: node for each, _, _, node in old_parameters(OLD['signatures'][path])}
        assert value_of(old[name], pydoc.locate(path)) != difference['default']


@pytest.mark.parametrize('place', OLD['attributes'])
def test_attributes(place):
    home = pydoc.locate(place)
    assert {name: getattr(home, name) for name in OLD['attributes'][place]} == OLD['attributes'][place]


@pytest.mark.parametrize('kind', OLD['early_pools'])
def test_defaults_of_the_early_pools(kind, demo):
    pool = getattr(pycassa, kind)(keyspace='Keyspace1', server_list=[demo.address])
    for name, default in OLD['early_pools'][kind].items():
        seen = {'pool_size': pool._pool_size, 'prefill': pool._prefill}.get(name, getattr(pool, name, None))
        assert seen == default, name
    pool.dispose()


@pytest.fixture
def names(demo, monkeypatch):
    """What the forms mention, on the embedded server; connect() without servers goes there too."""
    class Mapped:
        string_column = pycassa.String(default='Your Default')

    monkeypatch.setattr(pycassa.legacy, 'DEFAULT_SERVER', demo.address)
    client = pycassa.connect('Keyspace1', [demo.address])
    pool = pycassa.ConnectionPool('Keyspace1', [demo.address], timeout=10)
    yield {'pycassa': pycassa, 'collections': collections, 'time': time, 'client': client, 'pool': pool,
           'servers': [demo.address], 'credentials': CREDENTIALS, 'Mapped': Mapped}
    client.close()
    pool.close()


@pytest.mark.parametrize('form', OLD['forms'])
def test_forms(form, names):
    """Every form of a call that the documents or 1.11 had is taken, and what it makes can be used."""
    made = eval(form, names)
    if isinstance(made, pycassa.legacy.Client):
        assert made.describe_version().count('.') == 2
        assert not made.keyspace or made.describe_keyspace('Keyspace1').name == 'Keyspace1'
        made.close()
    elif isinstance(made, pycassa.ColumnFamilyMap):
        assert made.get_count('nobody') == 0
    elif isinstance(made, pycassa.ColumnFamily):
        row = {'s': {'c': 'v'}} if made.super else {'c': 'v'}
        made.insert('form', row)
        assert made.get('form') == row
    elif isinstance(made, pycassa.ConnectionPool):
        assert made.execute('describe_cluster_name')
        made.dispose()
    elif isinstance(made, pycassa.batch.Mutator):
        family = pycassa.ColumnFamily(names['client'], 'Standard1')
        made.insert(family, 'form', {'c': 'v'}).send()
        assert family.get('form') == {'c': 'v'}
