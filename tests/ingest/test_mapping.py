"""Mapping: fields to keys and typed columns, nulls, and the types inferred from a sample."""
import datetime
import decimal
import uuid

import pytest

from pycassa.errors import ConfigurationError
from pycassa.ingest.mapping import LOADABLE_TYPES, ConversionError, RowMapping, infer_types

UUID = '12345678-1234-5678-1234-567812345678'


@pytest.mark.parametrize('type_name, field, value', [
    ('UTF8Type', 'x', 'x'), ('UTF8Type', 5, '5'), ('UTF8Type', True, 'true'), ('UTF8Type', {'a': [1]}, '{"a": [1]}'),
    ('LongType', '-12', -12), ('LongType', 12, 12), ('LongType', 3.0, 3), ('IntegerType', str(2 ** 70), 2 ** 70),
    ('DoubleType', '1e3', 1000.0), ('DoubleType', 2, 2.0), ('DecimalType', '1.50', decimal.Decimal('1.50')),
    ('BooleanType', 'TRUE', True), ('BooleanType', False, False), ('BooleanType', '0', False),
    ('DateType', '2013-01-01T05:00:00Z', datetime.datetime(2013, 1, 1, 5)),
    ('DateType', '2013-01-01 05:00:00+02:00', datetime.datetime(2013, 1, 1, 3)),
    ('DateType', '2013-01-01', datetime.datetime(2013, 1, 1)), ('DateType', 12.5, 12.5), ('DateType', '12.5', 12.5),
    ('UUIDType', UUID, uuid.UUID(UUID)), ('BytesType', '0x00ff', b'\x00\xff'), ('BytesType', 'é', 'é'.encode()),
])
def test_conversions(type_name, field, value):
    key, columns = RowMapping(['k'], {'c': type_name}).row({'k': 'key', 'c': field})
    assert key == 'key' and columns == {'k': 'key', 'c': value}
    assert type(columns['c']) is type(value)


@pytest.mark.parametrize('type_name, field', [
    ('LongType', 'abc'), ('LongType', 1.5), ('LongType', [1]), ('DoubleType', 'x'), ('DoubleType', True),
    ('DecimalType', 'x'), ('BooleanType', 'maybe'), ('DateType', 'today'), ('UUIDType', '123'), ('BytesType', '0xzz'),
])
def test_a_field_that_does_not_fit_names_column_and_type(type_name, field):
    with pytest.raises(ConversionError, match=f"column 'c': .* is not of {type_name}"):
        RowMapping(['k'], {'c': type_name}).row({'k': 'key', 'c': field})


def test_nulls_are_not_stored():
    mapping = RowMapping(['k'], nulls=['', 'NA'])
    assert mapping.row({'k': '1', 'a': '', 'b': 'NA', 'c': None, 'd': 'x'}) == ('1', {'k': '1', 'd': 'x'})


def test_keys_of_several_columns_and_of_other_types():
    assert RowMapping(['a', 'b'], keep_key=False).row({'a': '1', 'b': 2, 'c': 'x'}) == ('1:2', {'c': 'x'})
    assert RowMapping(['a'], key_type='LongType').row({'a': '7'})[0] == 7
    with pytest.raises(ConfigurationError, match='several columns is text'):
        RowMapping(['a', 'b'], key_type='LongType')
    with pytest.raises(ConfigurationError, match='no column'):
        RowMapping([])


@pytest.mark.parametrize('fields, reason', [
    ({'k': '', 'a': 'x'}, "'k' is empty"), ({'a': 'x'}, "'k' is missing"), ({'k': None, 'a': 'x'}, "'k' is empty"),
])
def test_a_row_without_a_key(fields, reason):
    with pytest.raises(ConversionError, match=reason):
        RowMapping(['k']).row(fields)


def test_a_row_without_columns_and_only_some_columns():
    with pytest.raises(ConversionError, match='no column to store'):
        RowMapping(['k'], keep_key=False).row({'k': '1', 'a': ''})
    assert RowMapping(['k'], only=['b']).row({'k': '1', 'a': 'x', 'b': 'y'}) == ('1', {'b': 'y'})


def test_a_type_that_no_file_can_give():
    with pytest.raises(ConfigurationError, match='CounterColumnType'):
        RowMapping(['k'], {'c': 'CounterColumnType'})


@pytest.mark.parametrize('values, expected', [
    (['1', '-5', '0'], 'LongType'), (['1', '2.5'], 'DoubleType'), (['007'], 'UTF8Type'), (['+1'], 'UTF8Type'),
    (['-0'], 'DoubleType'), ([str(2 ** 63)], 'DoubleType'), (['1_000'], 'UTF8Type'), (['nan'], 'UTF8Type'),
    (['true', 'False'], 'BooleanType'), (['true', 'x'], 'UTF8Type'), ([1, 2.5], 'DoubleType'), ([True], 'BooleanType'),
    (['2013-01-01T05:00:00Z'], 'DateType'), (['2013-01-01', 'NA'], 'DateType'), (['2013-13-01'], 'UTF8Type'),
    ([{'a': 1}], 'UTF8Type'), (['0x10'], 'UTF8Type'), (['٣'], 'UTF8Type'), (['01.5'], 'UTF8Type'),
])
def test_inferred_types(values, expected):
    assert infer_types(({'c': value} for value in values), nulls=('', 'NA')) == {'c': expected}


def test_inference_ignores_nulls_and_gives_loadable_types():
    types = infer_types([{'a': '1', 'b': ''}, {'a': '', 'b': None}])
    assert types == {'a': 'LongType'}
    assert set(types.values()) <= set(LOADABLE_TYPES)
