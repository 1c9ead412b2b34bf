"""Ordered results, times of version 1 UUIDs, interface checks."""
import collections
import copy
import datetime
import pickle
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycassa import util
from pycassa.util import OrderedDict, convert_time_to_uuid, convert_uuid_to_time

# --- OrderedDict -------------------------------------------------------------------------------------------------


def test_prints_and_compares_as_a_dict():
    found = OrderedDict([('b', 1), ('a', 2)])
    assert repr(found) == "{'b': 1, 'a': 2}" and str(found) == "{'b': 1, 'a': 2}"
    assert found == {'a': 2, 'b': 1} and isinstance(found, dict)
    assert found == collections.OrderedDict([('b', 1), ('a', 2)])


def test_popitem_from_both_ends():
    found = OrderedDict(a=1, b=2, c=3)
    assert found.popitem() == ('c', 3) and found.popitem(last=False) == ('a', 1) and found.popitem(True) == ('b', 2)
    for last in True, False:
        with pytest.raises(KeyError):
            found.popitem(last)


def test_move_to_end():
    found = OrderedDict(a=1, b=2, c=3)
    found.move_to_end('a')
    assert list(found.items()) == [('b', 2), ('c', 3), ('a', 1)]
    found.move_to_end('c', last=False)
    assert list(found.items()) == [('c', 3), ('b', 2), ('a', 1)]
    for last in True, False:
        with pytest.raises(KeyError):
            found.move_to_end('x', last)
    assert list(found) == ['c', 'b', 'a']


@pytest.mark.parametrize('duplicate', [copy.copy, copy.deepcopy, OrderedDict.copy,
                                       lambda each: pickle.loads(pickle.dumps(each)),
                                       lambda each: pickle.loads(pickle.dumps(each, 2))])
def test_copies_keep_class_and_order(duplicate):
    original = OrderedDict([('b', [1]), ('a', [2])])
    found = duplicate(original)
    assert type(found) is OrderedDict and list(found.items()) == list(original.items())
    found['c'] = 1
    assert 'c' not in original


def test_costs_what_a_dict_costs():
    assert OrderedDict.__slots__ == () and not hasattr(OrderedDict(), '__dict__')


@given(st.lists(st.tuples(st.sampled_from('pfml'), st.integers(0, 5)), max_size=30))
def test_behaves_as_the_standard_ordered_dict(steps):
    items = [(number, str(number)) for number in range(6)]
    ours, theirs = OrderedDict(items), collections.OrderedDict(items)
    for step, number in steps:
        if step == 'm' or step == 'l':
            if number in theirs:
                theirs.move_to_end(number, step == 'm')
                ours.move_to_end(number, step == 'm')
        elif theirs:
            assert ours.popitem(step == 'p') == theirs.popitem(step == 'p')
        assert list(ours.items()) == list(theirs.items())


# --- UUIDs -------------------------------------------------------------------------------------------------------

def test_uuid_of_the_epoch():
    assert str(convert_time_to_uuid(0)) == '13814000-1dd2-11b2-8080-808080808080'
    assert str(convert_time_to_uuid(0, lowest_val=False)) == '13814000-1dd2-11b2-bf7f-7f7f7f7f7f7f'


@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2200, 1, 1)))
def test_times_survive(value):
    seconds = convert_uuid_to_time(convert_time_to_uuid(value))
    assert datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds) == value
    assert convert_time_to_uuid(seconds) == convert_time_to_uuid(value)


def test_floats_are_not_cut():
    assert convert_uuid_to_time(convert_time_to_uuid(1261349837.816957)) == 1261349837.816957
    assert convert_time_to_uuid(1.001) == convert_time_to_uuid(datetime.datetime(1970, 1, 1, 0, 0, 1, 1000))


def test_naive_is_utc_and_aware_is_converted():
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    aware = datetime.datetime(2020, 1, 1, 5, 30, tzinfo=zone)
    assert convert_time_to_uuid(aware) == convert_time_to_uuid(datetime.datetime(2020, 1, 1))


def test_random_uuids_differ_and_are_valid():
    found = {convert_time_to_uuid(5, randomize=True) for _ in range(50)}
    assert len(found) == 50
    assert {(each.version, each.variant, each.time) for each in found} == {
        (1, uuid.RFC_4122, convert_time_to_uuid(5).time)}


def test_uuid_is_returned_as_it_is():
    some = uuid.uuid4()
    assert convert_time_to_uuid(some) is some


@pytest.mark.parametrize('value', ['2020-01-01', None, object(), b'x', datetime.time(1), float('nan'), float('inf'),
                                   datetime.datetime(1582, 10, 14), datetime.datetime(5237, 1, 1)])
def test_other_times_raise_value_error(value):
    with pytest.raises(ValueError):
        convert_time_to_uuid(value)


@pytest.mark.parametrize('value', [uuid.uuid4(), 'x', None])
def test_only_version_1_has_a_time(value):
    with pytest.raises(ValueError):
        convert_uuid_to_time(value)


def test_extremes():
    assert util.LOWEST_TIME_UUID.time == 0 and util.LOWEST_TIME_UUID.version == 1
    assert util.HIGHEST_TIME_UUID.time == 2 ** 60 - 1 and util.HIGHEST_TIME_UUID.version == 1
    assert util.LOWEST_TIME_UUID.variant == util.HIGHEST_TIME_UUID.variant == uuid.RFC_4122


def test_names_that_old_code_takes_from_here():
    assert util.uuid.UUID is uuid.UUID and util.OrderedDict is OrderedDict


# --- as_interface ------------------------------------------------------------------------------------------------

class Listener:
    def opened(self):
        """Called with nothing."""

    def closed(self):
        """Called with nothing."""


class Half:
    def opened(self):
        return 'half'


def test_instances_and_look_alikes_are_returned():
    listener, half = Listener(), Half()
    assert util.as_interface(listener, cls=Listener) is listener
    assert util.as_interface(half, cls=Listener) is half
    assert util.as_interface(half, methods=['opened']) is half
    assert util.as_interface(half, cls=Listener, required=['opened']) is half


def test_dict_becomes_a_class_of_functions():
    found = util.as_interface({'opened': lambda: 'dict'}, cls=Listener)
    assert found.opened() == 'dict' and found.__name__ == 'AnonymousListener' and not hasattr(found, 'closed')


@pytest.mark.parametrize('obj, arguments', [
    (object(), {'cls': Listener}), (Half(), {'cls': Listener, 'required': Listener}),
    (Half(), {'cls': Listener, 'required': ['closed']}), ({'other': print}, {'cls': Listener}),
    ({'opened': 5}, {'cls': Listener}), ({}, {'cls': Listener}), (Half(), {}),
    ({'opened': print}, {'cls': Listener, 'required': ['closed']}),
])
def test_what_falls_short_raises(obj, arguments):
    with pytest.raises(TypeError):
        util.as_interface(obj, **arguments)
